"""The words inside a table with their exact positions, from the characters of the text layer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from extraction.geometry import Matrix, Rect, quarter_turns, rotate, rotate_back, transformed
from extraction.tables.frame import MIDLINE, Frame, runs_of
from extraction.text.drawn import rotation_of
from extraction.text.lines import Line
from extraction.text.mupdf import pymupdf
from extraction.text.unreadable import readable

_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP
_SUPERSCRIPTS = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
_SUPERSCRIPT_CHARACTERS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"
_BOLD_NAMES = ("bold", "black", "semib")
_LEADER = "...."
_RULE_CHARACTERS, _MIN_TYPED_RULE = "-_=—─ ", 10
_BOLD_FLAG = 16  # bit of a span's flags in PyMuPDF

# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_ASCENT, _DESCENT = 0.72, 0.22  # sizes that a word reaches above and below its baseline
_SLACK_X, _SLACK_Y = 3.0, 1.0  # points by which a word's center may lie outside the region
_WORD_GAP = 0.35  # sizes; a wider gap separates words
_MAX_BACKSTEP = 0.6  # sizes by which a character may begin left of the end of the one before
_BASELINE_JUMP = 0.75  # sizes; a larger difference of baselines separates words
_SAME_SIZE = 0.3  # points by which the type size within a word's main part varies
SMALL_TYPE = 0.85  # of the word's size: superscripts are smaller
RAISED_BASELINE = 0.12  # sizes by which a superscript's baseline is above the word's


@dataclass(slots=True, eq=False)
class Word:
    """A word, or a single character, in its frame; `base` is the y of its baseline."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    bold: bool = False

    @property
    def top(self) -> float:
        return self.base - _ASCENT * self.size

    @property
    def midline(self) -> float:
        """The y of the middle of its x-height."""
        return self.base - MIDLINE * self.size

    @property
    def bottom(self) -> float:
        return self.base + _DESCENT * self.size


def words_in(page: Any, frame: Frame, rect: Rect) -> list[Word]:
    """The words of the text layer inside a rectangle of the frame."""
    rotation = rotation_of(page)
    clip = pymupdf.Rect(rotate_back(rect.expanded(_SLACK_X, _SLACK_X), frame.turn))
    if rotation is not None:
        clip = clip * page.derotation_matrix
    content = page.get_text("rawdict", flags=_FLAGS, clip=clip)
    words: list[Word] = []
    for raw in (raw for block in content["blocks"] for raw in block.get("lines", ())):
        words.extend(_words(_glyphs(raw, rotation, frame.turn)))
    reach = rect.expanded(_SLACK_X, _SLACK_Y)
    return _without_duplicates(
        word
        for word in without_leaders(words)
        if reach.x0 < (word.x0 + word.x1) / 2 < reach.x1 and reach.y0 < word.midline < reach.y1
    )


def without_leaders(words: Iterable[Word]) -> Iterator[Word]:
    """Yields the words without rows of dots that lead to a value, and without typed rules."""
    for word in words:
        text = word.text.rstrip(".") if word.text.endswith(_LEADER) else word.text
        if not text or is_typed_rule(text):
            continue
        if text != word.text:
            share = len(text) / len(word.text)
            word.text, word.x1 = text, word.x0 + share * (word.x1 - word.x0)
        yield word


def is_typed_rule(text: str) -> bool:
    """True for a ruling line that is typed as dashes or underscores."""
    return len(text) >= _MIN_TYPED_RULE and not text.strip(_RULE_CHARACTERS)


def words_of_lines(lines: Sequence[Line]) -> list[Word]:
    """The words of lines without character positions (those of OCR).

    A line's width is shared among its characters in equal parts.
    """
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


def shown_words(words: Iterable[Word], lines: Sequence[Line]) -> list[Word]:
    """Returns the words that one of the lines holds at their place, by their letters and digits."""
    return [word for word in words if any(_holds(line, word) for line in lines)]


def _holds(line: Line, word: Word) -> bool:
    is_within = line.x0 - _SLACK_X < (word.x0 + word.x1) / 2 < line.x1 + _SLACK_X
    is_there = is_within and line.y0 - _SLACK_Y < word.midline < line.y1 + _SLACK_Y
    return is_there and _plain(word.text) in _plain(line.text)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text))


def as_superscript(text: str) -> str:
    """The text with Unicode superscripts for its digits and signs."""
    return text.translate(_SUPERSCRIPTS)


def _without_duplicates(words: Iterable[Word]) -> list[Word]:
    """The words without copies at the same position, which some programs print for bold type."""
    kept: dict[tuple[str, int, int], Word] = {}
    for word in words:
        kept.setdefault((word.text, round(word.x0), round(word.base)), word)
    return list(kept.values())


def _glyphs(raw: dict[str, Any], rotation: Matrix | None, turn: int) -> list[Word]:
    """The characters of a raw line in the frame of `turn`; none for a line of other rotation."""
    dx, dy = raw["dir"]
    if rotation is not None:
        a, b, c, d, _, _ = rotation
        dx, dy = dx * a + dy * c, dx * b + dy * d
    if quarter_turns(dx, dy) != turn:
        return []
    glyphs: list[Word] = []
    for span in raw["spans"]:
        is_bold_name = any(name in span["font"].lower() for name in _BOLD_NAMES)
        bold = is_bold_name or bool(span["flags"] & _BOLD_FLAG)
        for char in span["chars"]:
            box, origin = char["bbox"], char["origin"]
            if rotation is not None:
                box = transformed(box, rotation)
                origin = transformed((*origin, *origin), rotation)[:2]
            x0, x1, base = box[0], box[2], origin[1]
            if turn:
                x0, _, x1, _ = rotate(Rect(*box), turn)
                base = rotate(Rect(*origin, *origin), turn).y0
            text = char["c"]
            text = text if text.isascii() else readable(text, span["font"])
            glyphs.append(Word(text, x0, x1, base, span["size"], bold))
    return glyphs


def _words(glyphs: list[Word]) -> list[Word]:
    return [_word(run) for run in runs_of(glyphs, _continues_word) if not run[0].text.isspace()]


def _continues_word(run: Sequence[Word], glyph: Word) -> bool:
    before = run[-1]
    size = max(before.size, glyph.size)
    return (
        not (before.text.isspace() or glyph.text.isspace())
        and -_MAX_BACKSTEP * size <= glyph.x0 - before.x1 <= _WORD_GAP * size
        and abs(glyph.base - before.base) <= _BASELINE_JUMP * size
    )


def _word(run: list[Word]) -> Word:
    """The characters as one word.

    A superscript behind a digit becomes a Unicode superscript: 10 to the 6th is not 106.
    """
    size = max(glyph.size for glyph in run)
    base = next(glyph.base for glyph in run if glyph.size > size - _SAME_SIZE)
    text = before = ""
    for glyph in run:
        raised = glyph.size < SMALL_TYPE * size and base - glyph.base > RAISED_BASELINE * size
        is_after_digit = before.isdigit() or text[-1:] in _SUPERSCRIPT_CHARACTERS
        text += as_superscript(glyph.text) if text and raised and is_after_digit else glyph.text
        before = glyph.text
    right = max(glyph.x1 for glyph in run)
    return Word(text, run[0].x0, right, base, size, all(glyph.bold for glyph in run))
