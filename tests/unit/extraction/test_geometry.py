"""Rectangles: overlap, union, containment, and rotation by quarter turns."""

from __future__ import annotations

import pytest

from domain.papers import Box
from extraction.geometry import (
    Rect,
    contains,
    contains_center,
    intersection,
    overlap_x,
    overlap_y,
    overlaps,
    quarter_turns,
    rotate,
    rotate_back,
    rotation_matrix,
    union,
)

RECT = Rect(10, 20, 40, 30)


def test_geometry_overlap_is_negative_for_a_gap() -> None:
    other = Rect(50, 25, 60, 28)
    assert (overlap_x(RECT, other), overlap_y(RECT, other)) == (-10, 3)
    assert not overlaps(RECT, other)
    assert overlaps(RECT, Rect(39, 29, 50, 50))
    assert not overlaps(RECT, Rect(39, 29, 50, 50), tolerance=1)


def test_geometry_union_and_intersection_accept_boxes() -> None:
    box = Box(1, 30, 0, 50, 25)
    assert union([RECT, box]) == Rect(10, 0, 50, 30)
    assert intersection(RECT, box) == Rect(30, 20, 40, 25)
    assert union([RECT]) == RECT
    with pytest.raises(ValueError):
        union([])


def test_geometry_contains_with_tolerance_and_by_center() -> None:
    assert contains(RECT, Rect(10, 20, 40, 30))
    assert not contains(RECT, Rect(9, 20, 40, 30))
    assert contains(RECT, Rect(9, 20, 40, 30), tolerance=1)
    assert contains_center(RECT, Rect(0, 0, 50, 50))
    assert not contains_center(RECT, Rect(0, 0, 50, 20))


@pytest.mark.parametrize("turn", range(4))
def test_geometry_rotation_is_inverted_and_keeps_the_size(turn: int) -> None:
    turned = rotate(RECT, turn)
    assert rotate_back(turned, turn) == RECT
    sides = (turned.width, turned.height)
    assert sides == ((30, 10) if turn % 2 == 0 else (10, 30))
    assert turned.area == 300
    assert turned.x0 < turned.x1 and turned.y0 < turned.y1


def test_geometry_rotation_makes_text_upright() -> None:
    """Text that runs down the page begins at its top: that is the left in the upright frame."""
    first, last = Rect(10, 20, 20, 30), Rect(10, 80, 20, 90)
    turn = quarter_turns(0.0, 1.0)
    assert turn == 1
    assert rotate(first, turn).x0 < rotate(last, turn).x0


@pytest.mark.parametrize(
    ("direction", "turn"), [((1, 0), 0), ((0, 1), 1), ((-1, 0), 2), ((0, -1), 3), ((0.9, 0.1), 0)]
)
def test_geometry_quarter_turns_follow_direction(direction: tuple[float, float], turn: int) -> None:
    assert quarter_turns(*direction) == turn


@pytest.mark.parametrize("turn", range(4))
def test_geometry_rotation_matrix_keeps_the_page_in_view(turn: int) -> None:
    width, height = (600, 400) if turn % 2 else (400, 600)
    a, b, c, d, e, f = rotation_matrix(turn, width, height)
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (0, 400) for y in (0, 600)]
    assert {min(xs) for xs in zip(*corners, strict=True)} == {0}
    assert tuple(max(xs) for xs in zip(*corners, strict=True)) == (width, height)
