"""Assigns the images and drawings of a page to its captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from extraction.captions import Caption
from extraction.figures.graphics import Cluster
from extraction.geometry import Rect, overlap_x, overlap_y, overlaps, rect_of, union
from extraction.text.lines import Line

# Heuristics, chosen on the sample papers. Distances are in points.
_MIN_SEED_SIDE = 18.0  # of a cluster that can be a picture by itself
_MIN_PANEL_SIDE = 6.0  # of a cluster that can be part of a picture
_PANEL_GAP = 60.0  # between the panels of one figure
_LABEL_GAP = 13.0  # between a picture and the labels of its axes
_BESIDE_GAP = 40.0  # between a caption and a picture beside it
_TABLE_GAP = 40.0  # between a table and its caption
_MAX_DISTANCE_SHARE = 0.3  # of the page's height, between a picture and its caption
_OTHER_SIDE_COST = 40.0  # by which a picture on the side not preferred must be nearer
_BESIDE_COST = 60.0  # the same for a picture beside its caption
_MARGIN_SHARE = 0.07  # of the page's height; labels there belong to headers and footers
_STACKED_SHARE = 0.25  # of the narrower width that caption and picture share
_BESIDE_SHARE = 0.5  # of the lower height that caption and picture share
_PANEL_ABOVE_SHARE, _PANEL_BESIDE_SHARE = 0.5, 0.4  # of the smaller extent that panels share
_LABEL_ROUNDS = 3  # passes in which labels may attach to labels attached before
TOUCH = 2.0  # rectangles that share more than this in both directions overlap


class Side(StrEnum):
    """The side of the caption on which the picture is."""

    ABOVE = "above"
    BELOW = "below"
    BESIDE = "beside"


@dataclass(slots=True)
class Scene:
    """The input of the pairing: a page with the text of one rotation upright.

    `body` are the lines of running text, `labels` all other lines except captions, `frame` is the
    page.
    """

    page: int
    turn: int
    captions: Sequence[Caption]
    body: Sequence[Rect]
    labels: Sequence[Line]
    clusters: Sequence[Cluster]
    frame: Rect


class _Edge(NamedTuple):
    cost: float
    caption: int
    cluster: int
    side: Side
    gap: float


@dataclass(slots=True)
class Pair:
    """A caption with the bounding box of its picture, its side, and its distance in points."""

    caption: Caption
    rect: Rect
    side: Side
    gap: float


def pair_captions(scene: Scene, preferred: Side) -> list[Pair]:
    """Returns the captions with a picture, tables included, each with its panels and labels.

    `preferred` is the side of the pictures; tables are below their captions. Greedy: pairs are made
    in the order of their cost. A cluster that is nearer to another caption is a panel of that
    one's figure.
    """
    taken: set[int] = set()
    nearest: dict[int, int] = {}
    found: dict[int, Pair] = {}
    for edge in sorted(_edges(scene, preferred)):
        if nearest.setdefault(edge.cluster, edge.caption) != edge.caption or edge.caption in found:
            continue
        taken.add(edge.cluster)
        rect = scene.clusters[edge.cluster].rect
        found[edge.caption] = Pair(scene.captions[edge.caption], rect, edge.side, edge.gap)
    for pair in sorted(found.values(), key=lambda pair: pair.caption.is_table):
        _add_panels(scene, pair, taken)
    for pair in found.values():
        _add_labels(scene, pair)
    return [found[index] for index in sorted(found)]


def _edges(scene: Scene, side_of_pictures: Side) -> Iterator[_Edge]:
    """Yields the possible pairs of caption and cluster with their cost."""
    for number, caption in enumerate(scene.captions):
        preferred = Side.BELOW if caption.is_table else side_of_pictures
        for index, cluster in enumerate(scene.clusters):
            sides = cluster.rect.width, cluster.rect.height
            if cluster.is_rules or min(sides) < _MIN_SEED_SIDE:
                continue
            side, gap = _side(caption.rect, cluster.rect)
            if side is None or _is_blocked(scene, caption.rect, cluster.rect):
                continue
            max_gap = _TABLE_GAP if caption.is_table else _MAX_DISTANCE_SHARE * scene.frame.height
            cost = gap = max(gap, 0.0)
            if side is Side.BESIDE:
                cost += _BESIDE_COST
            elif gap > max_gap:
                continue
            elif side is not preferred:
                cost += _OTHER_SIDE_COST
            yield _Edge(cost, number, index, side, gap)


def _side(caption: Rect, rect: Rect) -> tuple[Side | None, float]:
    """The side of the caption on which the rectangle is, and its distance in points."""
    across, down = overlap_x(caption, rect), overlap_y(caption, rect)
    if across >= _STACKED_SHARE * min(caption.width, rect.width):
        if rect.y0 + rect.y1 < caption.y0 + caption.y1:
            return Side.ABOVE, caption.y0 - rect.y1
        return Side.BELOW, rect.y0 - caption.y1
    if down >= _BESIDE_SHARE * min(caption.height, rect.height) and -across <= _BESIDE_GAP:
        return Side.BESIDE, -across
    return None, 0.0


def _is_blocked(scene: Scene, a: Rect, b: Rect) -> bool:
    """True when running text or another caption is between the two, in their common extent."""
    x = sorted((max(a.x0, b.x0), min(a.x1, b.x1)))
    y = sorted((max(a.y0, b.y0), min(a.y1, b.y1)))
    between = Rect(x[0], y[0], x[1], y[1])
    return any(overlaps(between, rect, TOUCH) for rect in _obstacles(scene, a, b))


def _obstacles(scene: Scene, *excluded: Rect) -> Iterator[Rect]:
    yield from scene.body
    yield from (caption.rect for caption in scene.captions if caption.rect not in excluded)


def _add_panels(scene: Scene, pair: Pair, taken: set[int]) -> None:
    """Adds the free clusters that only empty space or labels separate from the picture."""
    grew = True
    while grew:
        grew = False
        for index, cluster in enumerate(scene.clusters):
            if index in taken or cluster.is_rules or not _is_panel(pair, cluster.rect):
                continue
            joined = union([pair.rect, cluster.rect])
            if any(overlaps(joined, rect, TOUCH) for rect in _obstacles(scene)):
                continue
            pair.rect, grew = joined, True
            taken.add(index)


def _is_panel(pair: Pair, rect: Rect) -> bool:
    if min(rect.width, rect.height) < _MIN_PANEL_SIDE or _is_beyond_caption(pair, rect):
        return False
    whole = pair.rect
    across, down = overlap_x(whole, rect), overlap_y(whole, rect)
    if across >= _PANEL_ABOVE_SHARE * min(whole.width, rect.width):
        return down >= -_PANEL_GAP
    is_beside = down >= _PANEL_BESIDE_SHARE * min(whole.height, rect.height)
    return is_beside and across >= -_PANEL_GAP


def _is_beyond_caption(pair: Pair, rect: Rect) -> bool:
    """True when the rectangle is not on the picture's side of the caption."""
    if pair.side is Side.ABOVE:
        return rect.y1 > pair.caption.rect.y0 + TOUCH
    return pair.side is Side.BELOW and rect.y0 < pair.caption.rect.y1 - TOUCH


def _add_labels(scene: Scene, pair: Pair) -> None:
    """Extends the picture by the text at its edges: axis labels, legends, panel marks."""
    edge = _MARGIN_SHARE * scene.frame.height
    usable = [
        line
        for line in scene.labels
        if scene.frame.y0 + edge < line.y1 and line.y0 < scene.frame.y1 - edge
    ]
    for _ in range(_LABEL_ROUNDS):
        before = pair.rect
        for line in usable:
            label = rect_of(line)
            if not _is_label(pair, label) or _is_beyond_caption(pair, label):
                continue
            joined = union([pair.rect, label])
            if not any(overlaps(joined, rect, TOUCH) for rect in _obstacles(scene)):
                pair.rect = joined
        if pair.rect == before:
            return


def _is_label(pair: Pair, label: Rect) -> bool:
    """True when the text is close to the picture, or between it and the caption below it."""
    whole, caption = pair.rect, pair.caption.rect
    across, down = overlap_x(whole, label), overlap_y(whole, label)
    if across >= -_LABEL_GAP and down >= -_LABEL_GAP:
        return True
    if pair.side is Side.ABOVE:
        return across > 0 and whole.y1 <= label.y0 and label.y1 <= caption.y0 + TOUCH
    return False
