"""Builds pages for the tests of extraction: texts at given positions, in given fonts and sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from domain.papers import Paper
from extraction.options import ExtractOptions, LayoutMode, OcrEngine
from extraction.steps import OnPage, read_text
from extraction.text.mupdf import pymupdf
from tests.papers import HEIGHT, LOREM, WIDTH

LEFT, RIGHT, TOP = 50.0, 308.0, 90.0
COLUMN = 237.0


def read_text_layer(path: Path, *, max_pages: int = 2000, on_page: OnPage | None = None) -> Paper:
    """Returns the paper by its text layer alone. Raises what `read_text` raises."""
    methods = ExtractOptions(max_pages=max_pages, layout=LayoutMode.OFF, ocr=OcrEngine.OFF)
    return read_text(path, methods, on_page=on_page).paper


class Piece(NamedTuple):
    """A printed line: its base line begins at (x, y)."""

    x: float
    y: float
    text: str
    size: float = 10.0
    font: str = "tiro"


def make_pdf(pages: Iterable[Sequence[Piece]], rotation: int = 0) -> bytes:
    """Returns the bytes of a PDF with these pages."""
    document = pymupdf.open()
    for pieces in pages:
        page = document.new_page(width=WIDTH, height=HEIGHT)
        for piece in pieces:
            page.insert_text(
                (piece.x, piece.y), piece.text, fontsize=piece.size, fontname=piece.font
            )
        page.set_rotation(rotation)
    data = document.tobytes()
    document.close()
    return data


def prose(
    x: float, y: float, lines: int, *, text: str = LOREM, width: float = COLUMN, size: float = 10.0
) -> list[Piece]:
    """Returns `lines` full lines of text, one below the other, 1.2 type sizes apart."""
    words = (text * (1 + lines // 2)).split()
    printed: list[Piece] = []
    line = ""
    for word in words:
        longer = f"{line} {word}".strip()
        if pymupdf.get_text_length(longer, fontname="tiro", fontsize=size) <= width:
            line = longer
            continue
        printed.append(Piece(x, y + len(printed) * 1.2 * size, line, size))
        if len(printed) == lines:
            return printed
        line = word
    return printed
