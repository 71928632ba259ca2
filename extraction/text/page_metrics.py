"""Typical values of a document: size and font of its text, line distances, column borders."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from extraction.text.lines import Line

FRONT_PAGES = 2  # dates, addresses and side bars stand on these
# Heuristics.
_SIDE_BAR_WIDTH = 0.5  # of the usual column
_BODY_SIZE_TOLERANCE_POINTS = 0.6  # lines of the body, whose columns are measured
_USUAL_LEADING = 1.2  # type sizes, where the document has too few lines of a size
_MIN_LEADING, _MAX_LEADING = 0.8, 2.6  # type sizes; other distances are no line spacing
_MIN_DISTANCES = 4  # of a size, for a median
_MAX_LINE_WEIGHT = 500  # characters; bounds the weight of one line of a made-up page
_DEFAULT_SIZE_POINTS = 10.0  # of a document without text
# A long bibliography in small type may outweigh the text: the larger size wins from this share on.
_BODY_WEIGHT_SHARE = 0.5


class DocumentMetrics:
    """Typical values of one document: distances of base lines, borders of columns, size and font of
    the body. All lengths are in points."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.leading = _leading(lines)
        self.columns: dict[tuple[int, int], tuple[float, float]] = {}
        for line in lines:
            left, right = self.columns.get((line.page, line.part), (line.x0, line.x1))
            self.columns[line.page, line.part] = min(left, line.x0), max(right, line.x1)
        self.body_size, self.body_font = _body(lines)
        self.lines_in = Counter(line.family for line in lines)
        self.column_width = self._usual_width(lines)

    def is_in_side_bar(self, line: Line) -> bool:
        """True in the narrow column that some first pages have for dates, editors and licences."""
        return (
            line.page <= FRONT_PAGES and self.width_of(line) < _SIDE_BAR_WIDTH * self.column_width
        )

    def width_of(self, line: Line) -> float:
        """Returns the width in points of the column that the line stands in."""
        left, right = self.columns[line.page, line.part]
        return right - left

    def _usual_width(self, lines: Sequence[Line]) -> float:
        widths = [
            self.width_of(line)
            for line in lines
            if abs(line.size - self.body_size) < _BODY_SIZE_TOLERANCE_POINTS
        ]
        return median(widths) if widths else 0.0

    def leading_of(self, size: float) -> float:
        """Returns the usual distance in points between base lines in type of this size."""
        return self.leading.get(round(size), size * _USUAL_LEADING)


def _leading(lines: Sequence[Line]) -> dict[int, float]:
    distances: defaultdict[int, list[float]] = defaultdict(list)
    for before, line in pairwise(lines):
        distance = line.base - before.base
        if (
            before.part == line.part
            and before.page == line.page
            and _MIN_LEADING < distance / max(1.0, line.size) < _MAX_LEADING
        ):
            distances[round(line.size)].append(distance)
    return {
        size: median(found) for size, found in distances.items() if len(found) >= _MIN_DISTANCES
    }


def _body(lines: Sequence[Line]) -> tuple[float, str]:
    weights: Counter[tuple[float, str]] = Counter()
    for line in lines:
        weights[line.half_points, line.font] += min(len(line.text), _MAX_LINE_WEIGHT)
    if not weights:
        return _DEFAULT_SIZE_POINTS, ""
    least = _BODY_WEIGHT_SHARE * max(weights.values())
    return max(style for style, count in weights.items() if count >= least)
