"""Axis-aligned rectangles in points, and rotation of a page by quarter turns.

x grows to the right and y downwards. Everything with the attributes x0, y0, x1 and y1 counts as a
rectangle: a `Rect`, a text line, a `domain.papers.Box`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from domain.papers import Box

Matrix = tuple[float, float, float, float, float, float]


class Bounds(Protocol):
    """A bounding box: (x0, y0) is the top left corner, (x1, y1) the bottom right one."""

    @property
    def x0(self) -> float: ...
    @property
    def y0(self) -> float: ...
    @property
    def x1(self) -> float: ...
    @property
    def y1(self) -> float: ...


class Rect(NamedTuple):
    """A rectangle in points; the frame of reference is that of the code that uses it."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def center_x(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def center_y(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def transposed(self) -> Rect:
        """The rectangle with x and y exchanged."""
        return Rect(self.y0, self.x0, self.y1, self.x1)

    def expanded(self, x: float, y: float) -> Rect:
        """The rectangle with `x` points more on the left and right, `y` above and below."""
        return Rect(self.x0 - x, self.y0 - y, self.x1 + x, self.y1 + y)


def rect_of(bounds: Bounds) -> Rect:
    """The bounding box of a line or a box as a `Rect`."""
    return Rect(bounds.x0, bounds.y0, bounds.x1, bounds.y1)


def union(items: Iterable[Bounds]) -> Rect:
    """The smallest rectangle around all items. Raises ValueError when there are none."""
    every = list(items)
    return Rect(
        min(item.x0 for item in every),
        min(item.y0 for item in every),
        max(item.x1 for item in every),
        max(item.y1 for item in every),
    )


def intersection(a: Bounds, b: Bounds) -> Rect:
    """The common part of both; its width or height is negative when they do not overlap."""
    return Rect(max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1))


def interval_overlap(a0: float, a1: float, b0: float, b1: float) -> float:
    """The length shared by a0..a1 and b0..b1; negative: minus the gap between them."""
    return min(a1, b1) - max(a0, b0)


def distinct(values: Iterable[float], step: float) -> list[float]:
    """The ascending values without those at most `step` above the last one kept."""
    kept: list[float] = []
    for value in values:
        if not kept or value - kept[-1] > step:
            kept.append(value)
    return kept


def overlap_x(a: Bounds, b: Bounds) -> float:
    """The horizontal overlap in points; negative: minus the gap."""
    return interval_overlap(a.x0, a.x1, b.x0, b.x1)


def overlap_y(a: Bounds, b: Bounds) -> float:
    """The vertical overlap in points; negative: minus the gap."""
    return interval_overlap(a.y0, a.y1, b.y0, b.y1)


def overlaps(a: Bounds, b: Bounds, tolerance: float = 0.0) -> bool:
    """True when the rectangles share more than `tolerance` points in both directions."""
    return overlap_x(a, b) > tolerance and overlap_y(a, b) > tolerance


def contains(outer: Bounds, inner: Bounds, tolerance: float = 0.0) -> bool:
    """True when `inner` reaches out of `outer` by at most `tolerance` points."""
    return (
        inner.x0 >= outer.x0 - tolerance
        and inner.x1 <= outer.x1 + tolerance
        and inner.y0 >= outer.y0 - tolerance
        and inner.y1 <= outer.y1 + tolerance
    )


def contains_center(outer: Bounds, inner: Bounds) -> bool:
    """True when the center of `inner` is in `outer`, edges included."""
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return outer.x0 <= x <= outer.x1 and outer.y0 <= y <= outer.y1


def is_center_in(inner: Bounds, others: Iterable[Bounds]) -> bool:
    """True when the center of `inner` is in one of the others."""
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return any(other.x0 <= x <= other.x1 and other.y0 <= y <= other.y1 for other in others)


def rotate(rect: Rect, turn: int) -> Rect:
    """The rectangle of a page in the frame in which text of this rotation is upright.

    `turn` is 0 to 3: clockwise quarter turns of the text on the page. The frame is rotated about
    the page's origin, so its coordinates may be negative.
    """
    x0, y0, x1, y1 = rect
    if turn == 0:
        return Rect(x0, y0, x1, y1)
    if turn == 1:
        return Rect(y0, -x1, y1, -x0)
    if turn == 2:
        return Rect(-x1, -y1, -x0, -y0)
    return Rect(-y1, x0, -y0, x1)


def rotate_back(rect: Rect, turn: int) -> Rect:
    """The inverse of `rotate`: from the upright frame to the page."""
    return rotate(rect, (4 - turn) % 4)


def transformed(rect: Sequence[float], matrix: Matrix | None) -> Rect:
    """The rectangle mapped by a matrix (a, b, c, d, e, f) of quarter turns and shifts, such as
    MuPDF's `Page.rotation_matrix`; unchanged without one. Many times as fast as MuPDF's product."""
    if matrix is None:
        return Rect(*rect)
    a, b, c, d, e, f = matrix
    x0, y0, x1, y1 = rect
    left, right = a * x0 + c * y0 + e, a * x1 + c * y1 + e
    top, bottom = b * x0 + d * y0 + f, b * x1 + d * y1 + f
    return Rect(min(left, right), min(top, bottom), max(left, right), max(top, bottom))


def box_of(rect: Rect, page: int, turn: int = 0) -> Box:
    """A rectangle of the frame of `rotate` as a box on the page, to a tenth of a point."""
    x0, y0, x1, y1 = (round(value, 1) for value in rotate_back(rect, turn))
    return Box(page, x0, y0, x1, y1)


def quarter_turns(dx: float, dy: float) -> int:
    """The clockwise quarter turns, 0 to 3, of text whose baseline runs in direction (dx, dy)."""
    if abs(dx) >= abs(dy):
        return 0 if dx >= 0 else 2
    return 1 if dy > 0 else 3


def rotation_matrix(turn: int, width: float, height: float) -> Matrix:
    """The matrix (a, b, c, d, e, f) that rotates a page clockwise by `turn` quarter turns.

    `width` and `height` are those of the page after the rotation. A point (x, y) maps to
    (a x + c y + e, b x + d y + f), as in PDF.
    """
    return (
        (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
        (0.0, 1.0, -1.0, 0.0, width, 0.0),
        (-1.0, 0.0, 0.0, -1.0, width, height),
        (0.0, -1.0, 1.0, 0.0, 0.0, height),
    )[turn % 4]
