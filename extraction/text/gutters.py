"""Finds the gutter between two columns: the x that most long lines stand wholly left or right of.

Prose beside the gutter differs from the cells of a table by how well its lines fill their column.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate

from extraction.text.line_kinds import is_mono
from extraction.text.lines import Line

TOLERANCE_POINTS = 2.0
LONG_LINE_LENGTH = 20  # characters; shorter lines are weak evidence for columns
MIN_LINES = 4  # of a column, and of one side of a gutter

_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]{6}")  # scripts that leave no spaces
# Heuristics.
_BINS = 128  # horizontal resolution of the search, over the width of the text
_MIN_WIDTH_POINTS = 60  # narrower text has no two columns
_MAX_CANDIDATES = 3  # gutters that are tried
_MIN_CANDIDATE_DISTANCE = 6  # bins between two candidates
_PROSE_FILL = 0.7  # share of the column's width that a line of prose fills
_MIN_PROSE_SHARE = 0.3  # share of such lines that distinguishes prose from the cells of a table
_MIN_SPACES = 3  # in a line of words
_MAX_ALIGNED_SHARE = 0.5  # of lines that share a base line; more are the rows of a table


def side_of(line: Line, gutter: float) -> int:
    """Returns -1 if the line stands left of the gutter, 1 if right of it, 0 if it crosses it."""
    if line.x1 <= gutter + TOLERANCE_POINTS:
        return -1
    return 1 if line.x0 >= gutter - TOLERANCE_POINTS else 0


def find_gutter(lines: Sequence[Line], hint: float | None = None) -> float | None:
    """Returns the x between two columns of text, None if the lines stand in one column.

    `hint` is the gutter of the page before; it is used if this page alone gives no result.
    """
    if len(lines) < 2:
        return None
    long_lines = [line for line in lines if len(line.text) >= LONG_LINE_LENGTH]
    for sample in (long_lines, lines):
        for gutter in _candidate_gutters(sample, lines):
            if _separates_prose(gutter, sample):
                return gutter
    if hint is None:
        return None
    sides = Counter(side_of(line, hint) for line in long_lines)
    return hint if sides[-1] and sides[1] >= max(1, sides[0]) else None


def _candidate_gutters(sample: Sequence[Line], lines: Sequence[Line]) -> Iterator[float]:
    """Yields up to three x, best first: those with the most lines of `sample` on their thinner
    side, and among equals the one that the fewest lines cross."""
    if len(sample) < 2 * MIN_LINES:
        return
    start = min(line.x0 for line in sample)
    width = max(line.x1 for line in sample) - start
    if width < _MIN_WIDTH_POINTS:
        return
    left, right = _lines_beside(sample, start, width)
    all_left, all_right = _lines_beside(lines, start, width)
    thinner = [min(a, b) for a, b in zip(left, right, strict=True)]
    for _ in range(_MAX_CANDIDATES):
        most = max(thinner)
        if most < MIN_LINES:
            return
        crossed = {
            b: len(lines) - all_left[b] - all_right[b] for b, n in enumerate(thinner) if n == most
        }
        least = min(crossed.values())
        first, last = _longest_run([b for b, n in crossed.items() if n == least])
        yield start + width * ((first + last) / 2 + 1) / _BINS
        reach = _MIN_CANDIDATE_DISTANCE
        thinner = [0 if first - reach <= b <= last + reach else n for b, n in enumerate(thinner)]


def _lines_beside(lines: Sequence[Line], start: float, width: float) -> tuple[list[int], list[int]]:
    """Returns for each border between bins how many lines stand left of it and right of it."""
    ends, begins = [0] * (_BINS + 2), [0] * (_BINS + 2)
    scale = _BINS / width
    for line in lines:
        ends[min(_BINS, max(0, int((line.x1 - TOLERANCE_POINTS - start) * scale)) + 1)] += 1
        begins[min(_BINS, max(0, int((line.x0 + TOLERANCE_POINTS - start) * scale)))] += 1
    ended, begun = list(accumulate(ends)), list(accumulate(begins))
    return ended[1:_BINS], [len(lines) - begun[b - 1] for b in range(1, _BINS)]


def _longest_run(numbers: Sequence[int]) -> tuple[int, int]:
    """Returns the first and last of the longest run of consecutive numbers."""
    best = first, last = numbers[0], numbers[0]
    for number in numbers[1:]:
        first, last = (first, number) if number == last + 1 else (number, number)
        if last - first > best[1] - best[0]:
            best = first, last
    return best


def _separates_prose(gutter: float, sample: Sequence[Line]) -> bool:
    """True if the gutter has prose on both sides, or prose on one side and lines on the other that
    are not aligned with it."""
    left = [line for line in sample if side_of(line, gutter) < 0]
    right = [line for line in sample if side_of(line, gutter) > 0]
    if min(len(left), len(right)) < MIN_LINES:
        return False
    prose = is_prose(left) + is_prose(right)
    return prose == 2 or (prose == 1 and aligned_share(left, right) < _MAX_ALIGNED_SHARE)


def is_prose(lines: Sequence[Line]) -> bool:
    """True if at least four lines, and three in ten, are words that fill their column."""
    if len(lines) < MIN_LINES:
        return False
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    wide = (line for line in lines if line.x1 - line.x0 >= _PROSE_FILL * width)
    full = sum(has_words(line.text) and not is_mono(line.font) for line in wide)
    return full >= MIN_LINES and full >= _MIN_PROSE_SHARE * len(lines)


def has_words(text: str) -> bool:
    """True for a long line of several words, or of a script that leaves no spaces."""
    return len(text) >= LONG_LINE_LENGTH and (
        text.count(" ") >= _MIN_SPACES or bool(_UNSPACED.search(text))
    )


def aligned_share(left: Sequence[Line], right: Sequence[Line]) -> float:
    """Returns the share of the shorter side's lines that share a base line with the other side."""
    shorter, longer = sorted((left, right), key=len)
    bases = {round(line.base) for line in longer}
    return sum(1 for line in shorter if round(line.base) in bases) / len(shorter)
