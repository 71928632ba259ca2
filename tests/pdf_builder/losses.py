"""Papers that hide text, draw it as shapes, or print glyphs without a mapping to Unicode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import LOREM, ROMAN, face, wrap

_mupdf: Any = pymupdf.mupdf  # pyright: ignore[reportPrivateImportUsage]
LEFT, TOP, WIDTH = 72.0, 90.0, 430.0
SIZE, LEADING = 10.0, 13.0


def prose_page(document: pymupdf.Document, text: str = LOREM * 3, top: float = TOP) -> pymupdf.Page:
    """Appends a page with this text as ordinary text, set from `top` on."""
    page = document.new_page()
    for row, line in enumerate(lines_of(text)):
        page.insert_text((LEFT, top + LEADING * row), line, fontsize=SIZE, fontname=ROMAN)
    return page


def lines_of(text: str) -> list[str]:
    """Returns the text broken into lines of the column."""
    return wrap(text, WIDTH, SIZE, ROMAN)


def insert_content(page: pymupdf.Page, content: bytes) -> None:
    """Appends operators to the page, in its own coordinates: y grows upwards."""
    document: Any = page.parent
    xref = document.get_new_xref()
    document.update_object(xref, "<<>>")
    document.update_stream(xref, b"q\n" + content + b"\nQ\n")
    old = " ".join(f"{number} 0 R" for number in page.get_contents())
    document.xref_set_key(page.xref, "Contents", f"[{old} {xref} 0 R]")


def add_font(page: pymupdf.Page, name: str, entries: str) -> None:
    """Adds a font with these entries to the page's resources."""
    document: Any = page.parent
    font = document.get_new_xref()
    document.update_object(font, f"<</Type/Font{entries}>>")
    holder, path = page.xref, ["Resources", "Font", name]
    while len(path) > 1:
        kind, value = document.xref_get_key(holder, path[0])
        if kind != "xref":
            break
        holder, path = int(value.split()[0]), path[1:]
    document.xref_set_key(holder, "/".join(path), f"{font} 0 R")


def outlined(lines: Sequence[str], top: float, per_path: str, height: float = 842.0) -> bytes:
    """Returns the operators that draw these lines as shapes below `top`: a path for each "letter",
    each "line", or one for the whole "page"."""
    font = face(ROMAN)
    paths: list[list[str]] = []
    for row, line in enumerate(lines):
        x = LEFT
        of_line: list[str] = []
        for character in line:
            of_line.append(_glyph(font, character, x, height - top - LEADING * row))
            x += font.glyph_advance(ord(character)) * SIZE
        paths.append(of_line)
    if per_path == "letter":
        parts = [glyph + " f" for of_line in paths for glyph in of_line if glyph]
    elif per_path == "line":
        parts = [" ".join(of_line) + " f" for of_line in paths]
    else:
        parts = [" ".join(glyph for of_line in paths for glyph in of_line) + " f"]
    return "\n".join(parts).encode()


def _glyph(font: pymupdf.Font, character: str, x: float, y: float) -> str:
    """Returns the outline of a glyph with its origin at x, y as path operators."""
    walker = _Walker(x, y, SIZE)
    path = _mupdf.fz_outline_glyph(font.this, font.has_glyph(ord(character)), _mupdf.FzMatrix())
    if path.m_internal:
        _mupdf.fz_walk_path(path, walker, walker.m_internal)
    return " ".join(walker.operators)


class _Walker(_mupdf.FzPathWalker2):
    """Writes a path as operators of a content stream."""

    def __init__(self, x: float, y: float, size: float) -> None:
        super().__init__()
        self.x, self.y, self.size = x, y, size
        self.operators: list[str] = []
        for name in ("moveto", "lineto", "curveto", "closepath"):
            getattr(self, f"use_virtual_{name}")()

    def _add(self, operator: str, *points: float) -> None:
        pairs = zip(points[::2], points[1::2], strict=True)
        placed = (f"{self.x + self.size * x:.2f} {self.y + self.size * y:.2f}" for x, y in pairs)
        self.operators.append(" ".join([*placed, operator]))

    def moveto(self, _: object, x: float, y: float) -> None:
        self._add("m", x, y)

    def lineto(self, _: object, x: float, y: float) -> None:
        self._add("l", x, y)

    def curveto(self, _: object, *points: float) -> None:
        self._add("c", *points)

    def closepath(self, _: object) -> None:
        self._add("h")
