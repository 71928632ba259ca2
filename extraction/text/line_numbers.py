"""Removes the line numbers of a manuscript from its pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from extraction.text.lines import Line

_NUMBER = re.compile(r"\d{1,4}")
_LEADING_NUMBER = re.compile(r"(\d{1,4})\s+(?=\S)")
# Heuristics that separate line numbers from the numbers of a list or a table.
_MIN_NUMBERS = 10  # of a page
_MIN_NUMBERS_IN_STEPS = 4  # of a page where they rise by one constant step: "5", "10", "15" ...
_STEPS = {1, 2, 5, 10}
_LONG_LINE_LENGTH = 20  # characters; longer lines are text
_SAME_EDGE_POINTS = 12.0  # right edges of one column of numbers
_OUTSIDE_POINTS = 2  # tolerance for numbers beside the text
_GLUED_SHARE = 0.8  # of the page's long lines that begin with a rising number
_MAX_RISE = 3  # from the number of one line to that of the next


def without_line_numbers(lines: list[Line]) -> list[Line]:
    """Returns the page's lines without line numbers, whether these stand separately left or right
    of the text or at the beginning of its lines.

    Separate numbers count from ten on, or from four on if they rise by one step from line to line.
    """
    texts = [line for line in lines if len(line.text) > _LONG_LINE_LENGTH]
    if not texts:
        return lines
    numbers = [line for line in lines if _NUMBER.fullmatch(line.text)]
    dropped: set[int] = set()
    if len(numbers) >= _MIN_NUMBERS_IN_STEPS:
        left = min(line.x0 for line in texts)
        right = max(line.x1 for line in texts)
        dropped |= _column_of([n for n in numbers if n.x1 <= left + _OUTSIDE_POINTS], texts)
        dropped |= _column_of([n for n in numbers if n.x0 >= right - _OUTSIDE_POINTS], texts)
    kept = [line for line in lines if id(line) not in dropped]
    _cut_leading_numbers([line for line in kept if len(line.text) > _LONG_LINE_LENGTH])
    return kept


def _column_of(beside: Sequence[Line], texts: Sequence[Line]) -> set[int]:
    """Returns the `id`s of the numbers that stand one below the other beside lines of text."""
    if len(beside) < _MIN_NUMBERS_IN_STEPS:
        return set()
    edge = median(line.x1 for line in beside)
    column = sorted(
        (line for line in beside if abs(line.x1 - edge) < _SAME_EDGE_POINTS),
        key=lambda line: line.base,
    )
    if len(column) < _MIN_NUMBERS and not _rises_by_one_step([int(line.text) for line in column]):
        return set()
    bases = sorted(line.base for line in texts)
    if bases[-1] < column[0].base or column[-1].base < bases[0]:
        return set()
    return {id(line) for line in column}


def _rises_by_one_step(numbers: Sequence[int]) -> bool:
    """True if the numbers rise by a constant step of 1, 2, 5 or 10."""
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) >= _MIN_NUMBERS_IN_STEPS and len(steps) == 1 and steps <= _STEPS


def _cut_leading_numbers(texts: Sequence[Line]) -> None:
    """Removes the numbers that begin lines, if nearly all lines begin with one and they rise."""
    if len(texts) < _MIN_NUMBERS:
        return
    found = [(line, leading) for line in texts if (leading := _LEADING_NUMBER.match(line.text))]
    if len(found) < max(_MIN_NUMBERS, _GLUED_SHARE * len(texts)):
        return
    numbers = [int(leading[1]) for _, leading in found]
    risen = sum(1 for before, after in pairwise(numbers) if 0 < after - before <= _MAX_RISE)
    if risen < _GLUED_SHARE * (len(numbers) - 1):
        return
    for line, leading in found:
        line.x0 += (line.x1 - line.x0) * leading.end() / len(line.text)
        line.text = line.text[leading.end() :]
        line.lead = line.lead[leading.end() :] if line.lead else ""
