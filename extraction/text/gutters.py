"""The gutter between two columns: the x that most long lines stand wholly left or right of.

That what stands beside it is prose, and not the cells of a table, is seen from how well the lines
fill their column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from extraction.text.line_kinds import is_mono
from extraction.text.lines import Line

TOLERANCE_POINTS = 2.0
LONG_LINE = 20  # characters; shorter lines say little about columns
LEAST_LINES = 4

_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]{6}")  # scripts that leave no spaces
_BINS = 128
_PROSE_FILL = 0.7  # share of the column's width that a line of prose fills
_MOST_GAPS = 3
_APART = 6  # bins between gaps that are worth trying


def side_of(line: Line, gutter: float) -> int:
    if line.x1 <= gutter + TOLERANCE_POINTS:
        return -1
    return 1 if line.x0 >= gutter - TOLERANCE_POINTS else 0


def find_gutter(lines: Sequence[Line], hint: float | None = None) -> float | None:
    """The x between two columns of text, None when the lines stand in one column."""
    if len(lines) < 2:
        return None
    long_lines = [line for line in lines if len(line.text) >= LONG_LINE]
    for some in (long_lines, lines):
        for gutter in _best_gaps(some, lines):
            if _parts_text(gutter, some):
                return gutter
    if hint is not None and any(side_of(line, hint) < 0 for line in long_lines):
        crossing = sum(1 for line in long_lines if side_of(line, hint) == 0)
        right = sum(1 for line in long_lines if side_of(line, hint) > 0)
        return hint if right >= max(1, crossing) else None
    return None


def _best_gaps(some: Sequence[Line], every: Sequence[Line]) -> Iterator[float]:
    """Up to three x, best first: those with the most of `some` lines on their thinner side, and
    among equals the least crossed by any line."""
    if len(some) < 2 * LEAST_LINES:
        return
    start = min(line.x0 for line in some)
    width = max(line.x1 for line in some) - start
    if width < 60:
        return
    left, right = _counts(some, start, width)
    all_left, all_right = _counts(every, start, width)
    thinner = [min(a, b) for a, b in zip(left, right, strict=True)]
    for _ in range(_MOST_GAPS):
        most = max(thinner)
        if most < LEAST_LINES:
            return
        crossed = {
            b: len(every) - all_left[b] - all_right[b] for b, n in enumerate(thinner) if n == most
        }
        least = min(crossed.values())
        first, last = _longest_run([b for b, n in crossed.items() if n == least])
        yield start + width * ((first + last) / 2 + 1) / _BINS
        thinner[max(0, first - _APART) : last + _APART + 1] = [0] * len(
            thinner[max(0, first - _APART) : last + _APART + 1]
        )


def _counts(lines: Sequence[Line], start: float, width: float) -> tuple[list[int], list[int]]:
    """For each border between bins: how many lines stand left of it, and how many right of it."""
    ends, begins = [0] * (_BINS + 2), [0] * (_BINS + 2)
    scale = _BINS / width
    for line in lines:
        ends[min(_BINS, max(0, int((line.x1 - TOLERANCE_POINTS - start) * scale)) + 1)] += 1
        begins[min(_BINS, max(0, int((line.x0 + TOLERANCE_POINTS - start) * scale)))] += 1
    ended, begun = list(accumulate(ends)), list(accumulate(begins))
    return ended[1:_BINS], [len(lines) - begun[b - 1] for b in range(1, _BINS)]


def _longest_run(numbers: Sequence[int]) -> tuple[int, int]:
    """First and last of the longest run of consecutive numbers."""
    best = first, last = numbers[0], numbers[0]
    for number in numbers[1:]:
        first, last = (first, number) if number == last + 1 else (number, number)
        if last - first > best[1] - best[0]:
            best = first, last
    return best


def _parts_text(gutter: float, some: Sequence[Line]) -> bool:
    """True when the gutter has prose on both sides, or prose on one and something not aligned with
    it on the other."""
    left = [line for line in some if side_of(line, gutter) < 0]
    right = [line for line in some if side_of(line, gutter) > 0]
    if min(len(left), len(right)) < LEAST_LINES:
        return False
    prose = is_prose(left), is_prose(right)
    if all(prose):
        return True
    return any(prose) and aligned_share(left, right) < 0.5


def is_prose(lines: Sequence[Line]) -> bool:
    """True when at least four lines fill their column; so do half of the lines, or the most of any
    table."""
    if len(lines) < LEAST_LINES:
        return False
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    full = sum(
        1
        for line in lines
        if line.x1 - line.x0 >= _PROSE_FILL * width
        and has_words(line.text)
        and not is_mono(line.font)
    )
    return full >= LEAST_LINES and full >= 0.3 * len(lines)


def has_words(text: str) -> bool:
    return len(text) >= LONG_LINE and (text.count(" ") >= 3 or bool(_UNSPACED.search(text)))


def aligned_share(left: Sequence[Line], right: Sequence[Line]) -> float:
    """Share of the shorter side's lines that stand on the base line of one on the other side."""
    few, many = sorted((left, right), key=len)
    bases = {round(line.base) for line in many}
    return sum(1 for line in few if round(line.base) in bases) / len(few)
