"""The words inside a table, each with its exact place, from the characters of the text layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extraction.tables.frame import Frame, Rect, turned, turned_back
from extraction.text.lines import Line
from extraction.text.mupdf import pymupdf

_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP
_RAISED = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")


@dataclass(slots=True, eq=False)
class Word:
    """A word in its frame; `base` is the y of the line it stands on."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool = False
    italic: bool = False

    @property
    def top(self) -> float:
        return self.base - 0.72 * self.size

    @property
    def bottom(self) -> float:
        return self.base + 0.22 * self.size


@dataclass(slots=True)
class _Glyph:
    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool
    italic: bool


def words_in(page: Any, frame: Frame, rect: Rect) -> list[Word]:
    """The words of the text layer inside a rectangle of the frame."""
    shown = page.rotation_matrix if page.rotation else None
    x0, y0, x1, y1 = rect
    clip = pymupdf.Rect(turned_back((x0 - 3, y0 - 3, x1 + 3, y1 + 3), frame.turn))
    if shown is not None:
        clip = clip * page.derotation_matrix
    content = page.get_text("rawdict", flags=_FLAGS, clip=clip)
    words: list[Word] = []
    for raw in (raw for block in content["blocks"] for raw in block.get("lines", ())):
        words.extend(_words(_glyphs(raw, shown, frame.turn)))
    return _once(
        word
        for word in words
        if x0 - 3 < (word.x0 + word.x1) / 2 < x1 + 3
        and y0 - 1 < word.base - 0.3 * word.size < y1 + 1
    )


def words_of_lines(lines: Sequence[Line]) -> list[Word]:
    """The words of lines without characters' places (those of OCR): widths are shared out."""
    words: list[Word] = []
    for line in lines:
        step = (line.x1 - line.x0) / max(1, len(line.text))
        start = 0
        for text in line.text.split():
            start = line.text.index(text, start)
            x0 = line.x0 + start * step
            start += len(text)
            words.append(Word(text, x0, line.x0 + start * step, line.base, line.size, line.bold))
    return words


def as_raised(text: str) -> str:
    """The text with its digits as raised ones: what stands at a number must not grow it."""
    return text.translate(_RAISED)


def _once(words: Any) -> list[Word]:
    """Without words printed twice at one place, which some programs do for bold type."""
    seen: set[tuple[str, int, int]] = set()
    kept: list[Word] = []
    for word in words:
        key = (word.text, round(word.x0), round(word.base))
        if key not in seen:
            seen.add(key)
            kept.append(word)
    return kept


def _glyphs(raw: dict[str, Any], shown: Any, turn: int) -> list[_Glyph]:
    across, up = raw["dir"]
    if shown is not None:
        across, up = across * shown.a + up * shown.c, across * shown.b + up * shown.d
    if _turn_of(across, up) != turn:
        return []
    glyphs: list[_Glyph] = []
    for span in raw["spans"]:
        name = span["font"].lower()
        bold = bool(span["flags"] & 16) or "bold" in name or "black" in name or "semib" in name
        italic = bool(span["flags"] & 2)
        for char in span["chars"]:
            box, origin = char["bbox"], char["origin"]
            if shown is not None:
                box = tuple(pymupdf.Rect(box) * shown)
                origin = tuple(pymupdf.Point(origin) * shown)
            x0, _, x1, _ = turned(box, turn)
            base = turned((*origin, *origin), turn)[1]
            glyphs.append(_Glyph(char["c"], x0, x1, base, span["size"], bold, italic))
    return glyphs


def _turn_of(across: float, up: float) -> int:
    if abs(across) >= abs(up):
        return 0 if across >= 0 else 2
    return 1 if up > 0 else 3


def _words(glyphs: list[_Glyph]) -> list[Word]:
    words: list[Word] = []
    run: list[_Glyph] = []
    for glyph in glyphs:
        if glyph.text.isspace() or (run and _apart(run[-1], glyph)):
            if run:
                words.append(_word(run))
            run = []
        if not glyph.text.isspace():
            run.append(glyph)
    if run:
        words.append(_word(run))
    return words


def _apart(before: _Glyph, glyph: _Glyph) -> bool:
    gap = glyph.x0 - before.x1
    size = max(before.size, glyph.size)
    return gap > 0.35 * size or gap < -0.6 * size or abs(glyph.base - before.base) > 0.75 * size


def _word(run: list[_Glyph]) -> Word:
    size = max(glyph.size for glyph in run)
    large = [glyph for glyph in run if glyph.size > size - 0.3]
    base = large[0].base
    text = ""
    for number, glyph in enumerate(run):
        raised = glyph.size < 0.85 * size and base - glyph.base > 0.12 * size
        before = run[number - 1].text if number else ""
        stands_after_digit = bool(text) and (before.isdigit() or text[-1] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
        # A raised number must not grow the number that it stands at: 10 to the 6th is not 106.
        text += as_raised(glyph.text) if raised and stands_after_digit else glyph.text
    return Word(
        text,
        run[0].x0,
        max(glyph.x1 for glyph in run),
        base,
        size,
        all(glyph.bold for glyph in run),
        all(glyph.italic for glyph in run),
    )
