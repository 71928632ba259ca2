"""Primitives of the PDF builders: fonts, text widths, line breaking, and pages to draw on.

Coordinates and sizes are points; y grows downwards and is the base line of a text.
"""

from __future__ import annotations

from functools import lru_cache

from extraction.text.mupdf import pymupdf

A4 = WIDTH, HEIGHT = 595.0, 842.0
LETTER = 612.0, 792.0
ROMAN, BOLD, ITALIC, BOLD_ITALIC, SANS = "tiro", "tibo", "tiit", "tibi", "helv"
SOFT_HYPHEN = "\u00ad"

LOREM = (
    "Silver nanoparticles were made with an extract of leaves and watched for one hour "
    "under light. "
    "The absorption rose for twenty minutes and then stayed the same in every flask. "
    "Larger flasks needed more time, which agrees with earlier work on related plants. "
    "We repeated each run three times and report the mean with its standard deviation. "
)


class Canvas:
    """A PDF that is drawn page by page; `page` is the current page."""

    def __init__(self, size: tuple[float, float] = A4) -> None:
        self.width, self.height = size
        self.document = pymupdf.open()
        self.new_page()

    def new_page(self) -> None:
        """Appends an empty page and makes it the current one."""
        self.page = self.document.new_page(width=self.width, height=self.height)

    def text(self, x: float, y: float, text: str, size: float = 10, font: str = ROMAN) -> None:
        """Prints a line."""
        self.page.insert_text((x, y), text, fontsize=size, fontname=font)

    def centred(self, x: float, y: float, text: str, size: float = 10, font: str = ROMAN) -> None:
        """Prints a line with its middle at x."""
        self.text(x - text_width(text, size, font) / 2, y, text, size, font)

    def rule(self, x0: float, x1: float, y: float, width: float = 0.6) -> None:
        """Draws a horizontal line."""
        self.page.draw_line((x0, y), (x1, y), width=width)

    def vertical_rule(self, x: float, y0: float, y1: float, width: float = 0.5) -> None:
        """Draws a vertical line."""
        self.page.draw_line((x, y0), (x, y1), width=width)

    def to_pdf(self) -> bytes:
        """Returns the file; the canvas can be drawn on further."""
        return self.document.tobytes()


def text_width(text: str, size: float = 10, font: str = ROMAN) -> float:
    """Returns the width of a printed line; MuPDF's "cjk" type has the glyphs of East Asia."""
    words = text.split(" ")
    spaces = (len(words) - 1) * _unit_width(" ", font)
    return size * (sum(_unit_width(word, font) for word in words) + spaces)


@lru_cache(maxsize=4096)
def _unit_width(word: str, font: str) -> float:
    """Returns the width at a font size of 1. Cached: MuPDF measures slowly, and words repeat."""
    return face(font_for(word, font)).text_length(word, fontsize=100) / 100


def font_for(text: str, font: str) -> str:
    """Returns the font that has the glyphs of the text."""
    return "cjk" if any("\u3000" <= character <= "\u9fff" for character in text) else font


@lru_cache
def face(name: str) -> pymupdf.Font:
    """Returns a font of MuPDF's, loaded once."""
    return pymupdf.Font(name)


def wrap(
    text: str, width: float, size: float = 10, font: str = ROMAN, *, indent: float = 0.0
) -> list[str]:
    """Returns lines of at most `width`; the first one leaves `indent` free.

    A word breaks where it has a soft hyphen and the line is full: a hyphen is printed there. A word
    wider than the line stands on a line of its own.
    """
    lines: list[str] = []
    line, room = "", width - indent

    def fits(candidate: str) -> bool:
        return text_width(candidate.replace(SOFT_HYPHEN, ""), size, font) <= room

    for word in text.split():
        if fits(joined := f"{line} {word}".strip()):
            line = joined
            continue
        head, hyphen, tail = word.partition(SOFT_HYPHEN)
        if hyphen and fits(broken := f"{line} {head}-".strip()):
            lines.append(broken)
            line = tail
        else:
            lines.append(line)
            line = word
        room = width
    return [one.replace(SOFT_HYPHEN, "") for one in [*lines, line] if one]
