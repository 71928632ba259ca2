"""A page made ready for pairing captions with pictures: running text told from labels, and images
and drawings without what belongs to the page itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from domain.papers import PageSize
from extraction.figures.figure_captions import CaptionLines, Place, Style, style_of
from extraction.figures.graphics import Atom, Cluster, clusters, turned
from extraction.figures.model import Region, RegionKind
from extraction.figures.pairing import Scene, overlap
from extraction.text.lines import Line

_LEAST_POINTS = 24.0
_WHOLE_PAGE = 0.85  # of the page: a scan, or the page's ground
_HEAD, _FOOT = 0.13, 0.9  # of the page's height, where running headers and footers stand
_WIDE = 0.6  # of the page's width: a rule under a running header
_PROSE_WORDS = 5
_PROSE_POINTS = 100.0
_LINES_ON_IMAGE = 6
_EDGE_SHARE = 0.4  # of a cluster: where it may be cut at running text

_Key = tuple[int, int, int, int]


def without_furniture(
    atoms: Mapping[int, Sequence[Atom]], sizes: Sequence[PageSize]
) -> dict[int, list[Atom]]:
    """The atoms by page, without the logos, bands and rules of running headers and footers: what
    comes back at its place in the margin of another page."""
    places: Counter[_Key] = Counter()
    for number, some in atoms.items():
        height = sizes[number - 1].height
        places.update({_key(atom.place) for atom in some if _in_margin(atom.place, height)})
    return {
        number: [atom for atom in some if not _is_furniture(atom, sizes[number - 1], places)]
        for number, some in atoms.items()
    }


def _key(place: Place) -> _Key:
    x0, y0, x1, y1 = (round(value / 2) for value in place)
    return x0, y0, x1, y1


def _in_margin(place: Place, height: float) -> bool:
    return place.y1 < _HEAD * height or place.y0 > _FOOT * height


def _is_furniture(atom: Atom, size: PageSize, places: Mapping[_Key, int]) -> bool:
    if not _in_margin(atom.place, size.height):
        return False
    wide_rule = atom.is_rule and atom.place.width > _WIDE * size.width
    return wide_rule or places[_key(atom.place)] > 1


def make_scene(
    lines: Sequence[Line],
    captions: Sequence[CaptionLines],
    turn: int,
    atoms: Sequence[Atom],
    regions: Sequence[Region],
    size: PageSize,
    styles: Container[Style],
) -> Scene:
    """The page with the text of `turn` upright; `styles` are those of the running text."""
    frame = turned([Place(0.0, 0.0, size.width, size.height)], turn)[0]
    pictures = _region_places(regions, RegionKind.PICTURE, turn)
    # Without a caption that names a table, the model has taken a chart for one.
    has_table = any(caption.is_table for caption in captions)
    tables = _region_places(regions, RegionKind.TABLE, turn) if has_table else []
    upright = [line for line in lines if line.rotation == turn]
    body, labels = _parted(upright, captions, pictures, styles)
    every = [Atom(place, True) for place in pictures]
    for atom, place in zip(atoms, turned([atom.place for atom in atoms], turn), strict=True):
        every.append(Atom(place, atom.is_image))
    kept = [
        atom
        for atom in every
        if not _is_ground(atom, frame, body, captions)
        and (atom.is_image or not is_inside(atom.place, tables))
    ]
    found = [
        _trimmed(piece, body) for cluster in clusters(kept) for piece in _cut(cluster, captions)
    ]
    return Scene(captions, body, labels, found, frame)


def _region_places(regions: Sequence[Region], kind: RegionKind, turn: int) -> list[Place]:
    boxes = (region.box for region in regions if region.kind is kind)
    return turned([Place(box.x0, box.y0, box.x1, box.y1) for box in boxes], turn)


def _parted(
    lines: Sequence[Line],
    captions: Sequence[CaptionLines],
    pictures: Sequence[Place],
    styles: Container[Style],
) -> tuple[list[Place], list[Line]]:
    """The places of running text, and all lines that are neither that nor a caption's."""
    of_captions = {id(line) for caption in captions for line in caption.lines}
    rest = [line for line in lines if id(line) not in of_captions]
    prose = [
        line
        for line in rest
        if style_of(line) in styles and is_prose(line) and not is_inside(place_of(line), pictures)
    ]
    running = {id(line) for line in prose}
    for line in rest:
        if id(line) not in running and any(_goes_on(line, other) for other in prose):
            running.add(id(line))
    body = [place_of(line) for line in rest if id(line) in running]
    return body, [line for line in rest if id(line) not in running]


def place_of(line: Line) -> Place:
    return Place(line.x0, line.y0, line.x1, line.y1)


def is_prose(line: Line) -> bool:
    """True for a line of some words, mostly letters: no label, no row of numbers."""
    letters = sum(character.isalpha() for character in line.text)
    return (
        line.text.count(" ") >= _PROSE_WORDS - 1
        and line.x1 - line.x0 >= _PROSE_POINTS
        and letters > 0.6 * len(line.text)
    )


def _goes_on(line: Line, prose: Line) -> bool:
    """True for the short last line of a paragraph, or one that begins it."""
    return (
        abs(line.base - prose.base) < 1.6 * prose.size
        and prose.x0 - 2 <= line.x0 <= prose.x0 + 30
        and line.x1 <= prose.x1 + 3
        and style_of(line) == style_of(prose)
    )


def is_inside(place: Place, others: Sequence[Place]) -> bool:
    """True when the middle of the place is in one of the others."""
    x, y = (place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2
    return any(other.x0 <= x <= other.x1 and other.y0 <= y <= other.y1 for other in others)


def _is_ground(
    atom: Atom, frame: Place, body: Sequence[Place], captions: Sequence[CaptionLines]
) -> bool:
    """True for what lies behind text or around it: the ground of a box, a frame, a scanned page."""
    place = atom.place
    if place.width * place.height > _WHOLE_PAGE * frame.width * frame.height:
        return True
    if not atom.is_image and any(is_inside(caption.place, [place]) for caption in captions):
        return True
    lines = sum(is_inside(line, [place]) for line in body)
    return lines >= (_LINES_ON_IMAGE if atom.is_image else 1)


def _cut(cluster: Cluster, captions: Sequence[CaptionLines]) -> Iterator[Cluster]:
    """The cluster in pieces: above and below the captions that it covers."""
    place = cluster.place
    for caption in captions:
        other = caption.place
        if overlap(place, other) and place.x0 < (other.x0 + other.x1) / 2 < place.x1:
            for y0, y1 in ((place.y0, other.y0), (other.y1, place.y1)):
                if y1 - y0 > _LEAST_POINTS:
                    piece = replace(cluster, place=Place(place.x0, y0, place.x1, y1))
                    yield from _cut(piece, captions)
            return
    yield cluster


def _trimmed(cluster: Cluster, body: Sequence[Place]) -> Cluster:
    """The cluster without the white margin of an image that reaches under running text."""
    x0, y0, x1, y1 = place = cluster.place
    for line in body:
        if not overlap(place, line):
            continue
        if line.y0 + line.y1 < 2 * place.y0 + 2 * _EDGE_SHARE * place.height:
            y0 = max(y0, line.y1)
        elif line.y0 + line.y1 > 2 * place.y1 - 2 * _EDGE_SHARE * place.height:
            y1 = min(y1, line.y0)
    return replace(cluster, place=Place(x0, y0, x1, y1)) if y0 < y1 else cluster
