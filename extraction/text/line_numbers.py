"""Pages without the numbers that a manuscript prints beside its lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from extraction.text.lines import Line

_NUMBER = re.compile(r"\d{1,4}")
_GLUED = re.compile(r"(\d{1,4})\s+(?=\S)")
_LEAST = 10
_LEAST_IN_STEPS = 4  # when they count on by one step: "5", "10", "15" ...
_SAME_EDGE_POINTS = 12.0
_GLUED_SHARE = 0.8  # of the page's long lines


def without_line_numbers(lines: list[Line]) -> list[Line]:
    """The page's lines without those numbers, whether they stand by themselves left or right of
    everything else, or at the beginning of the lines.

    By themselves they are ten or more, or four that count on by one step from line to line.
    """
    texts = [line for line in lines if len(line.text) > 20]
    if not texts:
        return lines
    numbers = [line for line in lines if _NUMBER.fullmatch(line.text)]
    dropped: set[int] = set()
    if len(numbers) >= _LEAST_IN_STEPS:
        left = min(line.x0 for line in texts)
        right = max(line.x1 for line in texts)
        dropped |= _column_of([line for line in numbers if line.x1 <= left + 2], texts)
        dropped |= _column_of([line for line in numbers if line.x0 >= right - 2], texts)
    kept = [line for line in lines if id(line) not in dropped]
    _cut_glued([line for line in kept if len(line.text) > 20])
    return kept


def _column_of(beside: Sequence[Line], texts: Sequence[Line]) -> set[int]:
    """The `id`s of numbers under one another, beside lines of text."""
    if len(beside) < _LEAST_IN_STEPS:
        return set()
    edge = median(line.x1 for line in beside)
    column = sorted(
        (line for line in beside if abs(line.x1 - edge) < _SAME_EDGE_POINTS),
        key=lambda line: line.base,
    )
    if len(column) < _LEAST and not _counts_on([int(line.text) for line in column]):
        return set()
    bases = sorted(line.base for line in texts)
    if bases[-1] < column[0].base or column[-1].base < bases[0]:
        return set()
    return {id(line) for line in column}


def _counts_on(numbers: Sequence[int]) -> bool:
    """True when the numbers rise by one and the same step, which is 1, 2, 5 or 10."""
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) >= _LEAST_IN_STEPS and len(steps) == 1 and steps <= {1, 2, 5, 10}


def _cut_glued(texts: Sequence[Line]) -> None:
    """Takes the numbers off the beginnings of lines, if nearly all lines begin with one and they
    count on."""
    if len(texts) < _LEAST:
        return
    found = [(line, glued) for line in texts if (glued := _GLUED.match(line.text))]
    if len(found) < max(_LEAST, _GLUED_SHARE * len(texts)):
        return
    numbers = [int(glued[1]) for _, glued in found]
    risen = sum(1 for before, after in pairwise(numbers) if 0 < after - before <= 3)
    if risen < _GLUED_SHARE * (len(numbers) - 1):
        return
    for line, glued in found:
        line.x0 += (line.x1 - line.x0) * glued.end() / len(line.text)
        line.text = line.text[glued.end() :]
        line.lead = line.lead[glued.end() :] if line.lead else ""
