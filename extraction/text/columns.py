"""How many columns a paper is printed in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from extraction.text.gutters import LEAST_LINES, LONG_LINE, TOLERANCE_POINTS
from extraction.text.lines import Line


def column_count(lines: Sequence[Line]) -> int:
    """In how many columns most pages of these lines (in reading order) print their text; 1 for no
    lines.

    Side bars, and pieces of a few lines, don't count.
    """
    pages: dict[int, list[Line]] = {}
    for line in lines:
        if line.turn == 0 and len(line.text) >= LONG_LINE:
            pages.setdefault(line.page, []).append(line)
    counts = Counter(_columns_of_page(page) for page in pages.values() if len(page) >= LEAST_LINES)
    return max(counts, key=lambda count: (counts[count], -count)) if counts else 1


def _columns_of_page(lines: Sequence[Line]) -> int:
    """The columns in which most of the text stands."""
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
        if len(piece) >= LEAST_LINES
    ]
    letters: Counter[int] = Counter()
    for x0, y0, x1, y1, count in boxes:
        beside = {
            round(left / 20)
            for left, top, right, bottom, _ in boxes
            if (left >= x1 - TOLERANCE_POINTS or right <= x0 + TOLERANCE_POINTS)
            and min(y1, bottom) - max(y0, top) > 0.3 * min(y1 - y0, bottom - top)
            and 0.6 < (right - left) / max(1.0, x1 - x0) < 1.7
        }
        letters[1 + len(beside)] += count
    return letters.most_common(1)[0][0] if letters else 1
