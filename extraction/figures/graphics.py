"""The bounding boxes of a page's images and vector drawings, and their clusters.

Both are cut to their clipping paths, because publishers show parts of larger pictures. This takes
some milliseconds a page. PyMuPDF's `cluster_drawings` compares all pairs of drawings and takes
seconds for a page with a map.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extraction.geometry import Matrix, Rect, intersection, transformed, union
from extraction.text.drawn import (
    MAX_GRAPHICS,
    Graphics,
    clipped_drawings,
    display_list,
    graphics_of,
    rotation_of,
)

# Heuristics, chosen on the sample papers.
_CELL_POINTS = 4.0  # side of a grid cell; graphics in the same or in adjoining cells are joined
_MAX_EXACT = 5_000  # drawings to look up the exact boxes for: 10 ms for a thousand
_MIN_POINTS = 0.5  # smaller graphics are dropped
_THIN_POINTS = 2.0  # a thinner graphic is a rule
_RULE_LENGTH = 3 * _THIN_POINTS  # of a rule whose direction is certain


@dataclass(frozen=True, slots=True)
class Graphic:
    """One image or one drawing."""

    rect: Rect
    is_image: bool

    @property
    def is_rule(self) -> bool:
        return min(self.rect.width, self.rect.height) < _THIN_POINTS


@dataclass(frozen=True, slots=True)
class Cluster:
    """Images and drawings that touch or nearly touch; `is_rules`: only lines in one direction."""

    rect: Rect
    is_rules: bool


def page_graphics(
    page: Any, listed: Graphics | None = None, *, images_only: bool = False
) -> list[Graphic]:
    """Returns the visible parts of a page's images and drawings, without duplicates.

    `listed` are its graphics if they are known. At most 20,000. Raises what MuPDF raises for a page
    it cannot draw.
    """
    listed = listed or graphics_of(display_list(page))
    images, drawings = listed.images, [] if images_only else listed.drawings
    if 0 < len(drawings) <= _MAX_EXACT:
        drawings = [rect for _, rect in clipped_drawings(page)]
    rotation, whole = rotation_of(page), Rect(*page.rect)
    graphics: dict[tuple[bool, tuple[int, ...]], Graphic] = {}
    for is_image, rects in ((True, images), (False, drawings)):
        for raw in rects:
            rect = _visible_part(raw, rotation, whole)
            if rect is not None:
                key = (is_image, tuple(round(value) for value in rect))
                graphics.setdefault(key, Graphic(rect, is_image))
    return list(graphics.values())[:MAX_GRAPHICS]


def _visible_part(raw: Rect, rotation: Matrix | None, whole: Rect) -> Rect | None:
    """The rectangle on the page as shown, None when nothing of it is visible."""
    if raw.x0 > raw.x1 or raw.y0 > raw.y1:  # clipped away
        return None
    rect = intersection(transformed(raw, rotation), whole)
    if rect.width < 0 or rect.height < 0 or max(rect.width, rect.height) < _MIN_POINTS:
        return None
    return rect


def clusters(graphics: Sequence[Graphic]) -> list[Cluster]:
    """The graphics joined into clusters where they cover the same or adjoining cells of 4 points.

    Time grows with the number of graphics and the rows of cells they cover, not with pairs.
    """
    groups = [[graphics[index] for index in group] for group in _joined(_runs(graphics))]
    return [
        Cluster(union(graphic.rect for graphic in group), _are_parallel_rules(group))
        for group in groups
    ]


def _runs(graphics: Sequence[Graphic]) -> dict[int, list[tuple[int, int, int]]]:
    """For each row of cells, sorted: first column, last column and index of each graphic in it."""
    rows: dict[int, set[tuple[int, int, int]]] = defaultdict(set)
    for index, graphic in enumerate(graphics):
        x0, y0, x1, y1 = (int(value // _CELL_POINTS) for value in graphic.rect)
        for row in range(y0, y1 + 1):
            rows[row].add((x0, x1, index))
    return {row: sorted(found) for row, found in rows.items()}


def _joined(rows: dict[int, list[tuple[int, int, int]]]) -> list[list[int]]:
    """The indexes of the graphics of each cluster, by union-find over the runs."""
    parent: dict[int, int] = {}

    def root(index: int) -> int:
        parent.setdefault(index, index)
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    above: list[tuple[int, int, int]] = []
    last_row = None
    for row in sorted(rows):
        merged: list[tuple[int, int, int]] = []
        for start, end, index in rows[row]:
            if merged and start <= merged[-1][1] + 1:
                first, stop, other = merged[-1]
                parent[root(index)] = root(other)
                merged[-1] = (first, max(stop, end), other)
            else:
                root(index)
                merged.append((start, end, index))
        if last_row == row - 1:
            _join_rows(above, merged, parent, root)
        above, last_row = merged, row
    groups: dict[int, list[int]] = defaultdict(list)
    for index in parent:
        groups[root(index)].append(index)
    return list(groups.values())


def _join_rows(
    above: Sequence[tuple[int, int, int]],
    below: Sequence[tuple[int, int, int]],
    parent: dict[int, int],
    root: Any,
) -> None:
    """Joins the runs of two neighbouring rows that overlap or touch at a corner."""
    upper = lower = 0
    while upper < len(above) and lower < len(below):
        start, end, index = above[upper]
        other_start, other_end, other = below[lower]
        if start <= other_end + 1 and other_start <= end + 1:
            parent[root(other)] = root(index)
        if end < other_end:
            upper += 1
        else:
            lower += 1


def _are_parallel_rules(graphics: Sequence[Graphic]) -> bool:
    if not all(graphic.is_rule for graphic in graphics):
        return False
    horizontal = all(graphic.rect.width > _RULE_LENGTH for graphic in graphics)
    vertical = all(graphic.rect.height > _RULE_LENGTH for graphic in graphics)
    return horizontal or vertical
