"""A page as table extraction sees it: rotated until the text of one direction is upright."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from domain.papers import Box
from extraction.geometry import Bounds, Rect, box_of
from extraction.text.lines import Line

Item = TypeVar("Item")

# All values in this package are heuristics, chosen on the sample papers unless stated otherwise.
_BODY_SIZE_TOLERANCE = 0.35  # points by which a body line's type may differ from the body's size
_LONG_LINE_POINTS = 100.0  # a line this wide shows the edges of a text column
_EDGE_STEP_POINTS = 2  # column edges are counted on a grid of this step
_RAGGED_LINE_CHARACTERS = 50  # in ragged-right text, a line this long counts as body text
_COLUMN_SLACK_POINTS = 6.0  # by which an item may reach out of its text column
_MIN_EDGE_COUNT = 10  # lines with both edges in common that make a text column
_RAGGED_SHARE = 0.3  # of the long lines on common edges; below it the text is ragged-right
_MIN_COLUMN_SHARE = 0.06  # of all long lines that begin at a text column's left edge
_COLUMN_RIGHT_QUANTILE = 0.9  # of the right ends of a column's lines: its right edge
_DEFAULT_SIZE = 10.0  # points; type size of a document without upright text
# The middle of a line's x-height decides between which rules a line or a word is.
MIDLINE = 0.3  # of the type size above the baseline
SAME_LEVEL = 1.8  # points between the y of rules that are side by side
SAME_RULE = 2.0  # points; horizontal rules nearer than this are one (a double rule)
EXTENT_TOLERANCE = 4.0  # points by which the ends of a table's rules may differ
_SAME_BASELINE = 0.35  # of the type size by which baselines of one row may differ
_MIN_SIZE_FOR_BASELINE = 4.0  # points; lower bound of the type size in that comparison


@dataclass(frozen=True, slots=True)
class BodyStyle:
    """How the document sets its body text: size, font, and the edges of its text columns."""

    size: float
    font: str
    edges: frozenset[tuple[int, int]]
    ragged: bool
    columns: tuple[tuple[float, float], ...] = ()

    def is_body(self, line: Line) -> bool:
        """True for a line that fills a text column in the type of the body."""
        if line.rotation or abs(line.size - self.size) > _BODY_SIZE_TOLERANCE or line.bold:
            return False
        left, right = _edge_key(line)
        near = ((left + a, right + b) for a in (-1, 0, 1) for b in (-1, 0, 1))
        if line.x1 - line.x0 > _LONG_LINE_POINTS and any(edge in self.edges for edge in near):
            return True
        return self.ragged and line.font == self.font and len(line.text) > _RAGGED_LINE_CHARACTERS

    def column(self, x0: float, x1: float) -> tuple[float, float] | None:
        """The narrowest text column that holds x0..x1, None if there is none."""
        holding = [
            (left, right)
            for left, right in self.columns
            if left - _COLUMN_SLACK_POINTS <= x0 and x1 <= right + _COLUMN_SLACK_POINTS
        ]
        return min(holding, key=lambda edge: edge[1] - edge[0], default=None)


def _edge_key(line: Line) -> tuple[int, int]:
    return round(line.x0 / _EDGE_STEP_POINTS), round(line.x1 / _EDGE_STEP_POINTS)


def find_body_style(pages: Iterable[Sequence[Line]]) -> BodyStyle:
    """The body's type and columns: those of most of the document's characters."""
    sizes: Counter[float] = Counter()
    fonts: Counter[str] = Counter()
    edges: Counter[tuple[int, int]] = Counter()
    for line in (line for page in pages for line in page if line.rotation == 0):
        sizes[round(line.size, 1)] += len(line.text)
        fonts[line.font] += len(line.text)
        if line.x1 - line.x0 > _LONG_LINE_POINTS:
            edges[_edge_key(line)] += 1
    size = sizes.most_common(1)[0][0] if sizes else _DEFAULT_SIZE
    font = fonts.most_common(1)[0][0] if fonts else ""
    common = frozenset(edge for edge, count in edges.items() if count >= _MIN_EDGE_COUNT)
    long_lines = sum(edges.values())
    ragged = sum(edges[edge] for edge in common) < _RAGGED_SHARE * long_lines
    return BodyStyle(size, font, common, ragged, _text_columns(edges))


def _text_columns(edges: Counter[tuple[int, int]]) -> tuple[tuple[float, float], ...]:
    """The text columns: left edges of many long lines, with the right end of nine in ten."""
    rights: dict[int, list[int]] = {}
    for (left, right), count in edges.items():
        rights.setdefault(left, []).extend([right] * count)
    min_lines = max(_MIN_EDGE_COUNT, _MIN_COLUMN_SHARE * sum(edges.values()))
    step = float(_EDGE_STEP_POINTS)
    return tuple(
        (step * left, step * sorted(ends)[int(_COLUMN_RIGHT_QUANTILE * len(ends))])
        for left, ends in rights.items()
        if len(ends) >= min_lines
    )


@dataclass
class Frame:
    """A page in one orientation: its lines, its ruling lines (by y and x0) and its images.

    `shown`: all lines of the page if its text layer holds text that it does not show.
    """

    page: int
    turn: int
    lines: list[Line]
    horizontal_rules: list[Rect] = field(default_factory=list)
    vertical_rules: list[Rect] = field(default_factory=list)
    find_images: Callable[[], list[Rect]] = list
    shown: Sequence[Line] | None = None

    @cached_property
    def images(self) -> list[Rect]:
        """The images' bounding boxes; computed lazily, since that costs a few ms."""
        return self.find_images()

    def box(self, rect: Rect) -> Box:
        """The rectangle of this frame as a box on the page as shown."""
        return box_of(rect, self.page, self.turn)

    def lines_in(self, rect: Rect) -> list[Line]:
        """The lines that reach into the rectangle with their midline between its y."""
        return [
            line
            for line in self.lines
            if rect.y0 < midline(line) < rect.y1 and line.x1 > rect.x0 and line.x0 < rect.x1
        ]

    def crossing(self, gap: Rect) -> list[Rect]:
        """The vertical rules that pass the middle of the gap between two horizontal ones."""
        return [
            rule
            for rule in self.vertical_rules
            if rule.y0 < gap.center_y < rule.y1
            and gap.x0 - EXTENT_TOLERANCE < rule.center_x < gap.x1 + EXTENT_TOLERANCE
        ]

    def column(self, body_style: BodyStyle, bounds: Bounds) -> tuple[float, float] | None:
        """The text column that holds the bounds; None if none does, or for rotated text."""
        return None if self.turn else body_style.column(bounds.x0, bounds.x1)


def midline(line: Line) -> float:
    """The y of the middle of the line's x-height."""
    return line.base - MIDLINE * line.size


def runs_of(items: Iterable[Item], belongs: Callable[[list[Item], Item], bool]) -> list[list[Item]]:
    """The items in runs; an item that does not belong to the run before it begins the next one."""
    runs: list[list[Item]] = []
    for item in items:
        if runs and belongs(runs[-1], item):
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs


def rows_by_baseline(lines: Iterable[Line]) -> list[list[Line]]:
    """The lines grouped by baseline, from top to bottom; each row is sorted from the left."""

    def is_on_baseline(row: Sequence[Line], line: Line) -> bool:
        tolerance = _SAME_BASELINE * max(line.size, _MIN_SIZE_FOR_BASELINE)
        return abs(row[0].base - line.base) < tolerance

    rows = runs_of(sorted(lines, key=lambda line: line.base), is_on_baseline)
    return [sorted(row, key=lambda line: line.x0) for row in rows]
