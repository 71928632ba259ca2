"""Puts the characters of a printed line with Hebrew or Arabic words in logical order.

The order follows from the places of the characters alone; files draw such lines from either side.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from extraction.text.clean import RIGHT_TO_LEFT, is_right_to_left
from extraction.text.pieces import SPACE, Span

_PRESENTATION_FORM = re.compile("[\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]")
_MIRRORED = dict(zip("()[]{}<>«»", ")(][}{><»«", strict=True))
# Of a text in reading order from the right: a number is turned round.
_NUMBER = re.compile(r"[%°]?\d+(?:[.,:/−–-]\d+)*")
# Of kinds of characters: Latin words with the numbers among them; words read from the right.
_LATIN_RUN, _RUN_FROM_RIGHT = re.compile("[LN](?:.*[LN])?"), re.compile("R(?:[^L]*R)?")
_MAX_WIDTH = 0.01  # type sizes; narrower glyphs belong to the glyph that they stand at


class Glyph(NamedTuple):
    """A character with its span and its left and right end in points."""

    text: str
    x0: float
    x1: float
    span: Span

    @property
    def center(self) -> float:
        return (self.x0 + self.x1) / 2


def has_right_to_left(text: str) -> bool:
    """True if the text has Hebrew or Arabic letters."""
    return not text.isascii() and RIGHT_TO_LEFT.search(text) is not None


def logical_spans(glyphs: Sequence[Glyph]) -> list[Span]:
    """Returns the spans of a printed line with its characters in the order in which they are read.

    Presentation forms and ligatures are spelled out.
    """
    units = _units(glyphs)
    from_right = is_right_to_left("".join(glyph.text for glyph in glyphs))
    ordered = _from_right(units) if from_right else _from_left(units)
    in_order = [glyph for unit in ordered for glyph in unit]
    runs = groupby(in_order, key=lambda glyph: id(glyph.span))
    return [_span_of(list(run)) for _, run in runs]


def _span_of(glyphs: Sequence[Glyph]) -> Span:
    text = "".join(glyph.text for glyph in glyphs)
    return {**glyphs[0].span, "text": _PRESENTATION_FORM.sub(_spelled_out, text)}


def _spelled_out(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0])


Unit = list[Glyph]  # a glyph and the marks that stand at it


def _units(glyphs: Sequence[Glyph]) -> list[Unit]:
    """Returns the glyphs from left to right, each with its marks; a gap becomes a space."""
    bases = sorted((one for one in glyphs if not _is_mark(one)), key=lambda glyph: glyph.center)
    units: list[Unit] = []
    for glyph in bases:
        if units and glyph.x0 - units[-1][0].x1 >= SPACE * glyph.span["size"]:
            units.append([Glyph(" ", units[-1][0].x1, glyph.x0, glyph.span)])
        units.append([glyph])
    for mark in filter(_is_mark, glyphs):
        if units:
            min(units, key=lambda unit: abs(unit[0].center - mark.center)).append(mark)
    return units


def _is_mark(glyph: Glyph) -> bool:
    is_narrow = glyph.x1 - glyph.x0 < _MAX_WIDTH * glyph.span["size"]
    return is_narrow or unicodedata.combining(glyph.text[0]) > 0


def _from_right(units: Sequence[Unit]) -> list[Unit]:
    """Returns the units of a line that is read from the right."""
    found: list[Unit] = []
    for is_letter, group in groupby(reversed(units), key=_is_right_to_left):
        run = list(group)
        found += run if is_letter else _between_letters(run)
    return found


def _from_left(units: Sequence[Unit]) -> list[Unit]:
    """Returns the units of a line that is read from the left; the words in it that are read from
    the right are turned round."""
    found: list[Unit] = []
    end = 0
    for run in _RUN_FROM_RIGHT.finditer("".join(map(_kind, units))):
        found += [*units[end : run.start()], *_from_right(units[run.start() : run.end()])]
        end = run.end()
    return found + list(units[end:])


def _between_letters(units: list[Unit]) -> list[Unit]:
    """Returns what stands between Hebrew or Arabic letters: Latin words and numbers are read from
    the left, the signs around them from the right."""
    kinds = "".join(map(_kind, units))
    pattern = _LATIN_RUN if "L" in kinds else _NUMBER
    text = kinds if "L" in kinds else "".join(unit[0].text[0] for unit in units)
    found: list[Unit] = []
    end = 0
    for run in pattern.finditer(text):
        found += [*_mirrored(units[end : run.start()]), *units[run.start() : run.end()][::-1]]
        end = run.end()
    return found + _mirrored(units[end:])


def _kind(unit: Unit) -> str:
    """Returns R for a letter read from the right, L for another letter, N for a digit."""
    character = unit[0].text[0]
    if RIGHT_TO_LEFT.match(character):
        return "R"
    return "L" if character.isalpha() else "N" if character.isdigit() else " "


def _is_right_to_left(unit: Unit) -> bool:
    return _kind(unit) == "R"


def _mirrored(units: Sequence[Unit]) -> list[Unit]:
    return [
        [unit[0]._replace(text=_MIRRORED.get(unit[0].text, unit[0].text)), *unit[1:]]
        for unit in units
    ]
