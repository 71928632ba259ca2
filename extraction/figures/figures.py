"""The figures of a paper: each caption with the images and drawings that it speaks of.

After PDFFigures 2 (Clark and Divvala, 2016): a figure is what lies between its caption and the
running text; graphics and labels inside are its own. Running text is told by its type and length.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.papers import Box, Figure, PageSize
from extraction.figures.figure_captions import CaptionLines, Place, captions_of, main_styles
from extraction.figures.graphics import Atom, box_of, clusters, page_atoms
from extraction.figures.model import Region
from extraction.figures.page_scene import (
    is_inside,
    is_prose,
    make_scene,
    place_of,
    without_furniture,
)
from extraction.figures.pairing import Pair, Scene, Side, pairs
from extraction.text.clean import join_lines, words_of
from extraction.text.lines import Line

_LEAST_POINTS = 24.0
_LEAST_AREA = 1500.0
_WHOLE_PAGE = 0.85
_LARGE = 0.1  # of the page: an image that is a figure without a caption
_NARROW = 0.15  # of the page: a banner
_HEAD = 0.3  # of the first page, where journals print their logos
_TEXT_ON_IMAGE = 3
_SAMPLES = 4  # pages whose neighbours are looked at for the graphics of running headers


@dataclass(frozen=True, slots=True)
class FoundFigure:
    """A figure, and the boxes whose text is not body text: the picture's and the caption's."""

    figure: Figure
    taken: tuple[Box, ...]


@dataclass(slots=True)
class _Sheet:
    """One page in one direction of its text."""

    number: int
    turn: int
    scene: Scene
    found: list[Pair]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A picture (None when not found) and its caption (None when it has none)."""

    box: Box | None
    label: str | None = None
    caption: str | None = None
    caption_box: Box | None = None


def find_figures(
    document: Any,
    pages: Sequence[Sequence[Line]],
    sizes: Sequence[PageSize],
    regions: Mapping[int, Sequence[Region]] | None = None,
) -> list[FoundFigure]:
    """The figures of an open PDF in the order of their pages.

    `pages` are the lines of each page, `regions` what the layout model saw on those it looked at,
    by page number. Looked at are only pages with a caption or with images. A caption without a
    picture is no figure; a picture without a caption is one only when it is a large image.
    """
    captions = {
        size.number: found
        for size, lines in zip(sizes, pages, strict=True)
        if (found := captions_by_turn(lines))
    }
    atoms = _graphics(document, sizes, captions)
    sheets = _sheets(pages, sizes, captions, atoms, regions or {})
    words = words_of(line.text for lines in pages for line in lines)
    candidates = [*_captioned(sheets, words)]
    alone = [
        _Candidate(box)
        for number, some in atoms.items()
        for box in _large_images(some, pages[number - 1], sizes[number - 1])
        if not any(one.box and _covers(one.box, box) for one in candidates)
    ]
    return _numbered(_across_pages(candidates, alone, sizes))


def captions_by_turn(lines: Sequence[Line]) -> dict[int, list[CaptionLines]]:
    """The captions of a page by the direction of its text, tables' too; none when none is a
    figure's."""
    found: dict[int, list[CaptionLines]] = {}
    for turn in sorted({line.rotation for line in lines}):
        captions = captions_of([line for line in lines if line.rotation == turn])
        if any(not caption.is_table for caption in captions):
            found[turn] = captions
    return found


def _graphics(
    document: Any, sizes: Sequence[PageSize], captions: Container[int]
) -> dict[int, list[Atom]]:
    """The graphics of the pages worth a look, by page."""
    numbers = [size.number for size in sizes]
    looked = {number for number in numbers if number in captions or _has_images(document, number)}
    near = {other for n in sorted(looked)[:_SAMPLES] for other in (n - 2, n + 2)}
    atoms = {number: _atoms(document, number) for number in (looked | near) & set(numbers)}
    kept = without_furniture(atoms, sizes)
    return {number: kept[number] for number in sorted(looked) if kept[number]}


def _has_images(document: Any, number: int) -> bool:
    try:
        return bool(document.get_page_images(number - 1))
    except Exception:  # MuPDF's own errors share no base but Exception; the text was readable
        return False


def _atoms(document: Any, number: int) -> list[Atom]:
    try:
        return page_atoms(document.load_page(number - 1))
    except Exception:  # as above
        return []


def _sheets(
    pages: Sequence[Sequence[Line]],
    sizes: Sequence[PageSize],
    captions: Mapping[int, Mapping[int, Sequence[CaptionLines]]],
    atoms: Mapping[int, Sequence[Atom]],
    regions: Mapping[int, Sequence[Region]],
) -> list[_Sheet]:
    styles = main_styles(pages)
    sheets: list[_Sheet] = []
    for number, by_turn in captions.items():
        for turn, some in by_turn.items():
            index = number - 1
            scene = make_scene(
                pages[index],
                some,
                turn,
                atoms.get(number, ()),
                regions.get(number, ()),
                sizes[index],
                styles,
            )
            sheets.append(_Sheet(number, turn, scene, pairs(scene)))
    _settle_usual_side(sheets)
    return sheets


def _settle_usual_side(sheets: Sequence[_Sheet]) -> None:
    """Pair anew with captions above the pictures where this gives more of them a picture, or all a
    nearer one: publishers have it one way throughout."""
    before = _balance(sheets)
    others: list[_Sheet] = []
    for sheet in sheets:
        scene = replace(sheet.scene, usual=Side.BELOW)
        others.append(replace(sheet, scene=scene, found=pairs(scene)))
    after = _balance(others)
    if after[0] > before[0] or (after[0] == before[0] > 1 and after[1] < 0.5 * before[1]):
        for sheet, other in zip(sheets, others, strict=True):
            sheet.scene, sheet.found = other.scene, other.found


def _balance(sheets: Sequence[_Sheet]) -> tuple[int, float]:
    """How many captions of figures have a picture, and the points between them together."""
    gaps = [
        pair.gap
        for sheet in sheets
        for pair in sheet.found
        if not pair.caption.is_table and pair.side is not Side.BESIDE
    ]
    return len(gaps), sum(gaps)


def _captioned(sheets: Sequence[_Sheet], words: Container[str]) -> Iterator[_Candidate]:
    """All captions of figures, with their pictures where these were found."""
    for sheet in sheets:
        places = {id(pair.caption): pair.place for pair in sheet.found}
        for caption in sheet.scene.captions:
            if caption.is_table:
                continue
            place = places.get(id(caption))
            text = join_lines(caption.texts, words)[0].strip()
            yield _Candidate(
                box_of(place, sheet.number, sheet.turn) if place and _is_large(place) else None,
                caption.label,
                text or None,
                box_of(caption.place, sheet.number, sheet.turn),
            )


def _is_large(place: Place) -> bool:
    least = min(place.width, place.height)
    return least >= _LEAST_POINTS and place.width * place.height >= _LEAST_AREA


def _large_images(atoms: Sequence[Atom], lines: Sequence[Line], size: PageSize) -> Iterator[Box]:
    """Images that are figures even without a caption."""
    area = size.width * size.height
    for cluster in clusters([atom for atom in atoms if atom.is_image]):
        place = cluster.place
        in_head = size.number == 1 and place.y0 + place.y1 < 2 * _HEAD * size.height
        if in_head or not _LARGE <= place.width * place.height / area <= _WHOLE_PAGE:
            continue
        if min(place.width, place.height) < _NARROW * min(size.width, size.height):
            continue
        inside = sum(is_prose(line) and is_inside(place_of(line), [place]) for line in lines)
        if inside < _TEXT_ON_IMAGE:
            yield box_of(place, size.number, 0)


def _across_pages(
    candidates: Sequence[_Candidate], alone: Sequence[_Candidate], sizes: Sequence[PageSize]
) -> Iterator[_Candidate]:
    """The candidates with pictures; a caption at the top of a page that found none gets the lone
    image of the page before, one at the foot that of the page after."""
    left = list(alone)
    for one in candidates:
        if one.box is None and (place := one.caption_box):
            height = sizes[place.page - 1].height
            other = place.page - 1 if place.y0 < 0.3 * height else place.page + 1
            near = [picture for picture in left if picture.box and picture.box.page == other]
            if len(near) == 1 and not 0.3 * height <= place.y0 <= 0.7 * height:
                left.remove(near[0])
                one = replace(one, box=near[0].box)
        yield one
    yield from left


def _numbered(candidates: Iterable[_Candidate]) -> list[FoundFigure]:
    """Those with a picture, from page to page and from top to bottom."""
    found: list[FoundFigure] = []
    kept = [(one.box, one) for one in candidates if one.box is not None]
    kept.sort(key=lambda pair: (pair[0].page, pair[0].y0, pair[0].x0))
    for number, (box, one) in enumerate(kept, 1):
        figure = Figure(number, one.label, one.caption, box)
        found.append(FoundFigure(figure, (box, one.caption_box) if one.caption_box else (box,)))
    return found


def _covers(one: Box, other: Box) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    area = (other.x1 - other.x0) * (other.y1 - other.y0)
    return one.page == other.page and across > 0 and down > 0 and 2 * across * down > area
