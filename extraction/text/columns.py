"""Counts the text columns of a paper."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from extraction.geometry import Rect, overlap_y, union
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
    pages: defaultdict[int, list[Line]] = defaultdict(list)
    for line in lines:
        if line.rotation == 0 and len(line.text) >= LONG_LINE_LENGTH:
            pages[line.page].append(line)
    counts = Counter(_columns_of_page(page) for page in pages.values() if len(page) >= MIN_LINES)
    return max(counts, key=lambda count: (counts[count], -count)) if counts else 1


def _columns_of_page(lines: Sequence[Line]) -> int:
    """Returns the number of columns in which most of the text of the page stands."""
    pieces: defaultdict[int, list[Line]] = defaultdict(list)
    for line in lines:
        pieces[line.part].append(line)
    columns = [piece for piece in pieces.values() if len(piece) >= MIN_LINES]
    boxes = list(map(union, columns))
    letters: Counter[int] = Counter()
    for piece, box in zip(columns, boxes, strict=True):
        beside = (other for other in boxes if _stand_beside(box, other))
        count = 1 + len({round(other.x0 / _LEFT_BORDER_BIN_POINTS) for other in beside})
        letters[count] += sum(len(line.text) for line in piece)
    return letters.most_common(1)[0][0] if letters else 1


def _stand_beside(box: Rect, other: Rect) -> bool:
    is_beside = other.x0 >= box.x1 - TOLERANCE_POINTS or other.x1 <= box.x0 + TOLERANCE_POINTS
    min_height = _MIN_COMMON_HEIGHT * min(box.height, other.height)
    is_as_wide = _MIN_WIDTH_RATIO < other.width / max(1.0, box.width) < _MAX_WIDTH_RATIO
    return is_beside and is_as_wide and overlap_y(box, other) > min_height
