"""A page as the reader of a table holds it: turned until the table's text is upright."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from domain.papers import Box
from extraction.text.lines import Line

Rect = tuple[float, float, float, float]


def turned(rect: Rect, turn: int) -> Rect:
    """A rectangle of the page as shown, seen after `turn` quarter turns against the clock."""
    x0, y0, x1, y1 = rect
    if turn == 0:
        return x0, y0, x1, y1
    if turn == 1:
        return y0, -x1, y1, -x0
    if turn == 2:
        return -x1, -y1, -x0, -y0
    return -y1, x0, -y0, x1


def turned_back(rect: Rect, turn: int) -> Rect:
    """The inverse of `turned`."""
    return turned(rect, (4 - turn) % 4)


@dataclass(frozen=True, slots=True)
class Measure:
    """How the document sets its body text: size, font, and the edges of its text columns."""

    size: float
    font: str
    edges: frozenset[tuple[int, int]]
    ragged: bool
    columns: tuple[tuple[float, float], ...] = ()

    def is_body(self, line: Line) -> bool:
        """True for a line that fills a text column in the type of the body."""
        if line.rotation or abs(line.size - self.size) > 0.35 or line.bold:
            return False
        if line.x1 - line.x0 > 100 and _near(self.edges, line):
            return True
        return self.ragged and line.font == self.font and len(line.text) > 50

    def column(self, x0: float, x1: float) -> tuple[float, float] | None:
        """The narrowest text column that holds x0..x1, None where none does."""
        holding = [(a, b) for a, b in self.columns if a - 6 <= x0 and x1 <= b + 6]
        return min(holding, key=lambda edge: edge[1] - edge[0], default=None)


def _near(edges: frozenset[tuple[int, int]], line: Line) -> bool:
    left, right = round(line.x0 / 2), round(line.x1 / 2)
    return any((left + a, right + b) in edges for a in (-1, 0, 1) for b in (-1, 0, 1))


def body_measure(pages: Iterable[Sequence[Line]]) -> Measure:
    """The body's type and columns, by what most of the document's characters stand in."""
    sizes: Counter[float] = Counter()
    fonts: Counter[str] = Counter()
    edges: Counter[tuple[int, int]] = Counter()
    for line in (line for page in pages for line in page if line.rotation == 0):
        sizes[round(line.size, 1)] += len(line.text)
        fonts[line.font] += len(line.text)
        if line.x1 - line.x0 > 100:
            edges[round(line.x0 / 2), round(line.x1 / 2)] += 1
    size = sizes.most_common(1)[0][0] if sizes else 10.0
    font = fonts.most_common(1)[0][0] if fonts else ""
    often = frozenset(edge for edge, count in edges.items() if count >= 10)
    long_lines = sum(edges.values())
    ragged = sum(edges[edge] for edge in often) < 0.3 * long_lines
    return Measure(size, font, often, ragged, _text_columns(edges))


def _text_columns(edges: Counter[tuple[int, int]]) -> tuple[tuple[float, float], ...]:
    """The text columns: where many long lines begin, and how far nine in ten of those reach."""
    rights: dict[int, list[int]] = {}
    for (left, right), count in edges.items():
        rights.setdefault(left, []).extend([right] * count)
    least = max(10, 0.06 * sum(edges.values()))
    return tuple(
        (2.0 * left, 2.0 * sorted(ends)[int(0.9 * len(ends))])
        for left, ends in rights.items()
        if len(ends) >= least
    )


@dataclass(slots=True)
class Rule:
    """A ruling line: across the page from x0 to x1 at y, or down it (`y0`..`y1` at x)."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def y(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def x(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def width(self) -> float:
        return self.x1 - self.x0


@dataclass(slots=True)
class Frame:
    """A page in one orientation: its lines, its ruling lines across and down, its pictures."""

    page: int
    turn: int
    lines: list[Line]
    across: list[Rule] = field(default_factory=list)
    down: list[Rule] = field(default_factory=list)
    find_pictures: Callable[[], list[Rect]] = list
    _pictures: list[Rect] | None = None

    @property
    def pictures(self) -> list[Rect]:
        """Where images stand; looked up when first asked for, since that costs a few ms."""
        if self._pictures is None:
            self._pictures = self.find_pictures()
        return self._pictures

    def box(self, rect: Rect) -> Box:
        """Where a rectangle of this frame stands on the page as shown."""
        return Box(self.page, *(round(value, 1) for value in turned_back(rect, self.turn)))


def around(rects: Iterable[Rect]) -> Rect:
    """The smallest rectangle around all of them."""
    x0s, y0s, x1s, y1s = zip(*rects, strict=True)
    return min(x0s), min(y0s), max(x1s), max(y1s)


def line_rect(line: Line) -> Rect:
    return line.x0, line.y0, line.x1, line.y1


def in_rows(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines that stand side by side on one base line, from top to bottom, each from the left."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.base):
        if rows and abs(rows[-1][0].base - line.base) < 0.35 * max(line.size, 4.0):
            rows[-1].append(line)
        else:
            rows.append([line])
    for row in rows:
        row.sort(key=lambda line: line.x0)
    return rows
