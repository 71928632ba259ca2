"""Pages with lines at given positions and in given fonts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import LOREM, ROMAN, SANS, Canvas, wrap
from tests.pdf_builder.papers import MARGIN

LEFT, RIGHT, TOP = 50.0, 308.0, 90.0
COLUMN = 237.0


class Piece(NamedTuple):
    """A printed line: its base line begins at (x, y)."""

    x: float
    y: float
    text: str
    size: float = 10.0
    font: str = ROMAN


def make_pdf(pages: Iterable[Sequence[Piece]], rotation: int = 0) -> bytes:
    """Returns a PDF with these pages, of which there is at least one."""
    canvas = Canvas()
    for number, pieces in enumerate(pages):
        if number:
            canvas.new_page()
        for piece in pieces:
            canvas.text(*piece)
        canvas.page.set_rotation(rotation)
    return canvas.to_pdf()


def make_pages(*texts: str) -> bytes:
    """Returns a PDF with one plain line of 10 points on each page (none for an empty text)."""
    return make_pdf([Piece(MARGIN, 200, text, font=SANS)] if text else [] for text in texts)


def long_paper(mark: str, pages: int = 400) -> bytes:
    """Returns a PDF of many pages; page n contains `mark` and the word `spoonN`, N = n - 1."""
    with pymupdf.open() as pdf:
        for number in range(pages):
            text = f"Section {number} of {mark}. {LOREM * 3} It ends with spoon{number}."
            pdf.new_page().insert_textbox(pymupdf.Rect(60, 60, 540, 780), text, fontsize=10)
        return pdf.tobytes()


def prose(
    x: float, y: float, lines: int, *, text: str = LOREM, width: float = COLUMN, size: float = 10.0
) -> list[Piece]:
    """Returns `lines` full lines of text below each other, 1.2 times the size apart."""
    full = wrap(text * (1 + lines // 2), width, size)[:-1][:lines]
    return [Piece(x, y + number * 1.2 * size, line, size) for number, line in enumerate(full)]
