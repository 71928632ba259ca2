"""What a page shows besides text: the boxes of its images and drawings, and how they cluster.

Both are cut to their clipping paths: publishers show parts of larger pictures. Some milliseconds a
page; `cluster_drawings` compares each drawing with each other: seconds for a page with a map.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from domain.papers import Box
from extraction.figures.figure_captions import Place
from extraction.text.mupdf import pymupdf

_FLAGS = (
    pymupdf.TEXT_PRESERVE_IMAGES
    | pymupdf.TEXT_COLLECT_VECTORS
    | pymupdf.TEXT_CLIP
    | pymupdf.TEXT_MEDIABOX_CLIP
)
_mupdf = pymupdf.mupdf  # pyright: ignore[reportPrivateImportUsage]
_IMAGE, _DRAWING = _mupdf.FZ_STEXT_BLOCK_IMAGE, _mupdf.FZ_STEXT_BLOCK_VECTOR
_CELL_POINTS = 4.0  # what is nearer than this belongs together
_MOST_ATOMS = 20_000
_MOST_EXACT = 5_000  # drawings whose exact places are worth a second look: 10 ms for a thousand
_DOT_POINTS = 0.5
_THIN_POINTS = 2.0

Rect = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Atom:
    """One image or one drawing."""

    place: Place
    is_image: bool

    @property
    def is_rule(self) -> bool:
        return min(self.place.width, self.place.height) < _THIN_POINTS


@dataclass(frozen=True, slots=True)
class Cluster:
    """Images and drawings that touch, or nearly."""

    place: Place
    is_rules: bool  # nothing but lines in one direction


def page_atoms(page: Any) -> list[Atom]:
    """The images and drawings of a page, cut to what is shown of them, each place once.

    At most 20,000. Raises what MuPDF raises for a page it cannot draw.
    """
    images, drawings = _listed(page)
    if 0 < len(drawings) <= _MOST_EXACT:
        drawings = [*_drawings(page)]
    atoms: dict[tuple[bool, tuple[int, ...]], Atom] = {}
    for is_image, rects in ((True, images), (False, drawings)):
        for raw in rects:
            place = _shown(page, raw)
            if place is not None:
                key = (is_image, tuple(round(value) for value in place))
                atoms.setdefault(key, Atom(place, is_image))
    return list(atoms.values())[:_MOST_ATOMS]


def _listed(page: Any) -> tuple[list[Rect], list[Rect]]:
    """Images and drawings as MuPDF's text device lists them: at no more cost than the text, but
    with room for the longest mitre around each drawn corner."""
    images: list[Rect] = []
    drawings: list[Rect] = []
    content = page.get_textpage(flags=_FLAGS)  # kept: its blocks are freed with it
    for block in content.this:
        kind = block.m_internal.type
        if kind in (_IMAGE, _DRAWING):
            raw = block.m_internal.bbox
            (images if kind == _IMAGE else drawings).append((raw.x0, raw.y0, raw.x1, raw.y1))
            if len(images) + len(drawings) >= _MOST_ATOMS:
                break
    return images, drawings


def _drawings(page: Any) -> Iterator[Rect]:
    """The drawings' exact places, each cut to the clipping path it is drawn under."""
    scissors: dict[int, Rect] = {}
    for item in page.get_cdrawings(extended=True):
        level = item["level"]
        if item["type"] in ("clip", "group"):
            for deeper in [other for other in scissors if other >= level]:
                del scissors[deeper]
            if item["type"] == "clip":
                scissors[level] = item["scissor"]
            continue
        x0, y0, x1, y1 = item["rect"]
        outer = max((other for other in scissors if other < level), default=None)
        if outer is not None:
            left, top, right, bottom = scissors[outer]
            x0, y0, x1, y1 = max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)
        yield x0, y0, x1, y1


def _shown(page: Any, raw: Rect) -> Place | None:
    """The rectangle on the page as shown, None when nothing of it is to be seen."""
    if raw[0] > raw[2] or raw[1] > raw[3]:  # clipped away
        return None
    rect = pymupdf.Rect(raw) * page.rotation_matrix
    shown = page.rect
    x0, y0 = max(rect.x0, shown.x0), max(rect.y0, shown.y0)
    x1, y1 = min(rect.x1, shown.x1), min(rect.y1, shown.y1)
    if x1 < x0 or y1 < y0 or max(x1 - x0, y1 - y0) < _DOT_POINTS:
        return None
    return Place(x0, y0, x1, y1)


def clusters(atoms: Sequence[Atom]) -> list[Cluster]:
    """The atoms joined where they touch a cell of 4 points that another touches or adjoins.

    Time grows with the atoms and the cells' rows they cover, not with pairs.
    """
    groups = _joined(_runs(atoms))
    return [_cluster([atoms[index] for index in group]) for group in groups]


def _runs(atoms: Sequence[Atom]) -> dict[int, list[tuple[int, int, int]]]:
    """For each row of cells: first and last column and number of each atom in it, sorted."""
    rows: dict[int, set[tuple[int, int, int]]] = defaultdict(set)
    for index, atom in enumerate(atoms):
        x0, y0, x1, y1 = (int(value // _CELL_POINTS) for value in atom.place)
        for row in range(y0, y1 + 1):
            rows[row].add((x0, x1, index))
    return {row: sorted(found) for row, found in rows.items()}


def _joined(rows: dict[int, list[tuple[int, int, int]]]) -> list[list[int]]:
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
    """Join the runs of two neighbouring rows that overlap or touch at a corner."""
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


def _cluster(atoms: Sequence[Atom]) -> Cluster:
    place = Place(
        min(atom.place.x0 for atom in atoms),
        min(atom.place.y0 for atom in atoms),
        max(atom.place.x1 for atom in atoms),
        max(atom.place.y1 for atom in atoms),
    )
    return Cluster(place, _are_parallel_rules(atoms))


def _are_parallel_rules(atoms: Sequence[Atom]) -> bool:
    if not all(atom.is_rule for atom in atoms):
        return False
    lying = [atom.place.width > 3 * _THIN_POINTS for atom in atoms]
    standing = [atom.place.height > 3 * _THIN_POINTS for atom in atoms]
    return all(lying) or all(standing)


def turned(places: Iterable[Place], turn: int) -> list[Place]:
    """Places of the page as shown, seen with text of that many quarter turns upright."""
    return [_turned(place, turn) for place in places]


def box_of(place: Place, page: int, turn: int) -> Box:
    """The place as a box on the page as shown."""
    x0, y0, x1, y1 = (round(value, 1) for value in _turned(place, -turn % 4))
    return Box(page, x0, y0, x1, y1)


def _turned(place: Place, turn: int) -> Place:
    x0, y0, x1, y1 = place
    if turn == 1:
        return Place(y0, -x1, y1, -x0)
    if turn == 2:
        return Place(-x1, -y1, -x0, -y0)
    return Place(-y1, x0, -y0, x1) if turn == 3 else place
