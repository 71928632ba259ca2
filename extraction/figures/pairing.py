"""Which images and drawings of a page belong to which caption."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from extraction.figures.figure_captions import CaptionLines, Place, around
from extraction.figures.graphics import Cluster
from extraction.text.lines import Line

_SEED_POINTS = 18.0  # both sides of a cluster that can be a picture by itself
_SMALL_POINTS = 6.0
_PANEL_GAP = 60.0  # between the panels of one figure
_LABEL_GAP = 13.0  # between a picture and the labels of its axes
_BESIDE_GAP = 40.0
_TABLE_GAP = 40.0
_FARTHEST_SHARE = 0.3  # of the page's height, between a picture and its caption
_UNUSUAL = 40.0  # points by which a picture on the unusual side must be nearer
_BESIDE_COST = 60.0
_MARGIN_SHARE = 0.07
_TOUCH = 2.0


class Side(StrEnum):
    """Where the picture is, seen from its caption."""

    ABOVE = "above"
    BELOW = "below"
    BESIDE = "beside"


@dataclass(slots=True)
class Scene:
    """A page as the pairing sees it, with the text of one direction upright."""

    captions: Sequence[CaptionLines]
    body: Sequence[Place]  # lines of running text
    labels: Sequence[Line]  # all other lines, captions excepted
    clusters: Sequence[Cluster]
    frame: Place  # the page
    usual: Side = Side.ABOVE


class _Edge(NamedTuple):
    cost: float
    caption: int
    cluster: int
    side: Side
    gap: float


@dataclass(slots=True)
class Pair:
    """A caption, the place of its picture, on which side that is, and how many points away."""

    caption: CaptionLines
    place: Place
    side: Side
    gap: float


def pairs(scene: Scene) -> list[Pair]:
    """The captions that have a picture, tables too, each with all that belongs to it."""
    taken: set[int] = set()
    nearest: dict[int, int] = {}
    found: dict[int, Pair] = {}
    for edge in sorted(_edges(scene)):
        # What stands nearer to another caption is a panel of that one's figure.
        if nearest.setdefault(edge.cluster, edge.caption) != edge.caption or edge.caption in found:
            continue
        taken.add(edge.cluster)
        place = scene.clusters[edge.cluster].place
        found[edge.caption] = Pair(scene.captions[edge.caption], place, edge.side, edge.gap)
    for pair in sorted(found.values(), key=lambda pair: pair.caption.is_table):
        _add_panels(scene, pair, taken)
    for pair in found.values():
        _add_labels(scene, pair)
    return [found[index] for index in sorted(found)]


def _edges(scene: Scene) -> Iterator[_Edge]:
    for number, caption in enumerate(scene.captions):
        usual = Side.BELOW if caption.is_table else scene.usual
        for index, cluster in enumerate(scene.clusters):
            if not _is_seed(cluster):
                continue
            side, gap = _side(caption.place, cluster.place)
            if side is None or _is_blocked(scene, caption.place, cluster.place):
                continue
            cost = gap = max(gap, 0.0)
            if side is Side.BESIDE:
                cost += _BESIDE_COST
            elif gap > (_TABLE_GAP if caption.is_table else _FARTHEST_SHARE * scene.frame.height):
                continue
            elif side is not usual:
                cost += _UNUSUAL
            yield _Edge(cost, number, index, side, gap)


def _is_seed(cluster: Cluster) -> bool:
    place = cluster.place
    return not cluster.is_rules and min(place.width, place.height) >= _SEED_POINTS


def _side(caption: Place, place: Place) -> tuple[Side | None, float]:
    """On which side of the caption the place is, and how far away."""
    across = min(caption.x1, place.x1) - max(caption.x0, place.x0)
    down = min(caption.y1, place.y1) - max(caption.y0, place.y0)
    if across >= 0.25 * min(caption.width, place.width):
        if place.y0 + place.y1 < caption.y0 + caption.y1:
            return Side.ABOVE, caption.y0 - place.y1
        return Side.BELOW, place.y0 - caption.y1
    if down >= 0.5 * min(caption.height, place.height) and -across <= _BESIDE_GAP:
        return Side.BESIDE, -across
    return None, 0.0


def _is_blocked(scene: Scene, one: Place, other: Place) -> bool:
    """True when running text or another caption stands between the two."""
    between = _between(one, other)
    return any(overlap(between, place) for place in _obstacles(scene, one, other))


def _obstacles(scene: Scene, *but: Place) -> Iterator[Place]:
    yield from scene.body
    yield from (caption.place for caption in scene.captions if caption.place not in but)


def _between(one: Place, other: Place) -> Place:
    """The space from one place to the other, as wide as what they share."""
    x = sorted((max(one.x0, other.x0), min(one.x1, other.x1)))
    y = sorted((max(one.y0, other.y0), min(one.y1, other.y1)))
    return Place(x[0], y[0], x[1], y[1])


def overlap(one: Place, other: Place) -> bool:
    """True when the places share more than two points in both directions."""
    return (
        min(one.x1, other.x1) - max(one.x0, other.x0) > _TOUCH
        and min(one.y1, other.y1) - max(one.y0, other.y0) > _TOUCH
    )


def _add_panels(scene: Scene, pair: Pair, taken: set[int]) -> None:
    """Join the clusters that nobody took and that only empty space or labels part from it."""
    grew = True
    while grew:
        grew = False
        for index, cluster in enumerate(scene.clusters):
            if index in taken or cluster.is_rules or not _is_panel(pair, cluster.place):
                continue
            union = around([pair.place, cluster.place])
            if any(overlap(union, place) for place in _obstacles(scene)):
                continue
            pair.place, grew = union, True
            taken.add(index)


def _is_panel(pair: Pair, place: Place) -> bool:
    if min(place.width, place.height) < _SMALL_POINTS or _beyond(pair, place):
        return False
    whole = pair.place
    across = min(whole.x1, place.x1) - max(whole.x0, place.x0)
    down = min(whole.y1, place.y1) - max(whole.y0, place.y0)
    if across >= 0.5 * min(whole.width, place.width):
        return down >= -_PANEL_GAP
    return down >= 0.4 * min(whole.height, place.height) and across >= -_PANEL_GAP


def _beyond(pair: Pair, place: Place) -> bool:
    """True when the place is on the caption's other side."""
    if pair.side is Side.ABOVE:
        return place.y1 > pair.caption.place.y0 + _TOUCH
    return pair.side is Side.BELOW and place.y0 < pair.caption.place.y1 - _TOUCH


def _add_labels(scene: Scene, pair: Pair) -> None:
    """Widen the place by the text at its edges: axes, legends, marks of panels."""
    edge = _MARGIN_SHARE * scene.frame.height
    usable = [
        line
        for line in scene.labels
        if scene.frame.y0 + edge < line.y1 and line.y0 < scene.frame.y1 - edge
    ]
    for _ in range(3):
        before = pair.place
        for line in usable:
            label = Place(line.x0, line.y0, line.x1, line.y1)
            if not _is_label(pair, label) or _beyond(pair, label):
                continue
            union = around([pair.place, label])
            if not any(overlap(union, place) for place in _obstacles(scene)):
                pair.place = union
        if pair.place == before:
            return


def _is_label(pair: Pair, label: Place) -> bool:
    """True when the text touches the picture, or stands between it and its caption."""
    whole, caption = pair.place, pair.caption.place
    across = min(whole.x1, label.x1) - max(whole.x0, label.x0)
    down = min(whole.y1, label.y1) - max(whole.y0, label.y0)
    if across >= -_LABEL_GAP and down >= -_LABEL_GAP:
        return True
    if pair.side is Side.ABOVE:
        return across > 0 and whole.y1 <= label.y0 and label.y1 <= caption.y0 + _TOUCH
    return False
