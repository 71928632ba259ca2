"""What is usual in a document: size and font of its text, distances of lines, columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from extraction.text.lines import Line, font_family


class Measures:
    """What is usual in this document: distances of base lines, borders of columns, size and font of
    the body."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.leading = _leading(lines)
        self.columns: dict[tuple[int, int], tuple[float, float]] = _columns(lines)
        self.body_size, self.body_font = _body(lines)
        self.lines_in = Counter(font_family(line.font) for line in lines)
        self.column_width = self._usual_width(lines)

    def width_of(self, line: Line) -> float:
        """Width of the column that the line stands in, in points."""
        left, right = self.columns[line.page, line.part]
        return right - left

    def _usual_width(self, lines: Sequence[Line]) -> float:
        widths = [self.width_of(line) for line in lines if abs(line.size - self.body_size) < 0.6]
        return median(widths) if widths else 0.0

    def leading_of(self, size: float) -> float:
        """Usual distance of base lines in type of this size, in points."""
        return self.leading.get(round(size), size * 1.2)


def _leading(lines: Sequence[Line]) -> dict[int, float]:
    distances: defaultdict[int, list[float]] = defaultdict(list)
    for before, line in pairwise(lines):
        distance = line.base - before.base
        if (
            before.part == line.part
            and before.page == line.page
            and 0.8 < distance / max(1.0, line.size) < 2.6
        ):
            distances[round(line.size)].append(distance)
    return {size: median(some) for size, some in distances.items() if len(some) > 3}


def _columns(lines: Sequence[Line]) -> dict[tuple[int, int], tuple[float, float]]:
    columns: dict[tuple[int, int], tuple[float, float]] = {}
    for line in lines:
        left, right = columns.get((line.page, line.part), (line.x0, line.x1))
        columns[line.page, line.part] = min(left, line.x0), max(right, line.x1)
    return columns


def _body(lines: Sequence[Line]) -> tuple[float, str]:
    weights: Counter[tuple[float, str]] = Counter()
    for line in lines:
        weights[round(line.size * 2) / 2, line.font] += min(len(line.text), 500)
    if not weights:
        return 10.0, ""
    # A long bibliography in small type may outweigh the text: of two that print much, the larger.
    least = 0.5 * max(weights.values())
    return max(one for one, count in weights.items() if count >= least)
