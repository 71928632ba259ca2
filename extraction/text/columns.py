"""Counts the text columns of a paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from extraction.text.gutters import LONG_LINE_LENGTH, MIN_LINES, TOLERANCE_POINTS
from extraction.text.lines import Line

# Heuristics for two pieces that are columns beside each other: the share of the lower one's height
# that they have in common, and the range of the ratio of their widths.
_MIN_COMMON_HEIGHT = 0.3
_MIN_WIDTH_RATIO, _MAX_WIDTH_RATIO = 0.6, 1.7
_LEFT_BORDER_BIN_POINTS = 20  # left borders in one bin belong to one column


def column_count(lines: Sequence[Line]) -> int:
    """Returns in how many columns most pages of these lines (in reading order) print their text; 1
    for no lines.

    Side bars and pieces of a few lines do not count.
    """
    pages: dict[int, list[Line]] = {}
    for line in lines:
        if line.rotation == 0 and len(line.text) >= LONG_LINE_LENGTH:
            pages.setdefault(line.page, []).append(line)
    counts = Counter(_columns_of_page(page) for page in pages.values() if len(page) >= MIN_LINES)
    return max(counts, key=lambda count: (counts[count], -count)) if counts else 1


def _columns_of_page(lines: Sequence[Line]) -> int:
    """Returns the number of columns in which most of the text of the page stands."""
    pieces: dict[int, list[Line]] = {}
    for line in lines:
        pieces.setdefault(line.part, []).append(line)
    boxes = [
        (
            min(line.x0 for line in piece),
            min(line.y0 for line in piece),
            max(line.x1 for line in piece),
            max(line.y1 for line in piece),
            sum(len(line.text) for line in piece),
        )
        for piece in pieces.values()
        if len(piece) >= MIN_LINES
    ]
    letters: Counter[int] = Counter()
    for x0, y0, x1, y1, count in boxes:
        beside = {
            round(left / _LEFT_BORDER_BIN_POINTS)
            for left, top, right, bottom, _ in boxes
            if (left >= x1 - TOLERANCE_POINTS or right <= x0 + TOLERANCE_POINTS)
            and min(y1, bottom) - max(y0, top) > _MIN_COMMON_HEIGHT * min(y1 - y0, bottom - top)
            and _MIN_WIDTH_RATIO < (right - left) / max(1.0, x1 - x0) < _MAX_WIDTH_RATIO
        }
        letters[1 + len(beside)] += count
    return letters.most_common(1)[0][0] if letters else 1
