"""Finds the figures of a paper: each caption with the images and drawings that belong to it.

The method follows PDFFigures 2 (Clark and Divvala, 2016): a figure is the graphics and labels
between its caption and the running text. Running text is recognised by its type and line length.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from domain.papers import Box, Figure, PageSize
from extraction.captions import Caption, page_captions
from extraction.figures.graphics import Graphic, clusters, page_graphics
from extraction.figures.model import Region
from extraction.figures.page_scene import (
    PageContent,
    is_prose,
    main_styles,
    make_scene,
    without_furniture,
)
from extraction.figures.pairing import Pair, Scene, Side, pair_captions
from extraction.geometry import Rect, box_of, intersection, is_center_in, rect_of
from extraction.text.clean import words_of
from extraction.text.drawn import Graphics
from extraction.text.lines import Line
from extraction.text.page_loading import load_page

# Heuristics, chosen on the sample papers.
_MIN_SIDE = 24.0  # points
_MIN_AREA = 1500.0  # square points
_WHOLE_PAGE = 0.85  # of the page's area: a scanned page
_LARGE = 0.1  # of the page's area: an image that is a figure even without a caption
_NARROW = 0.15  # of the page's shorter side: a narrower image is a banner
_HEAD = 0.3  # of the first page's height, where journals print their logos
_MAX_LINES_ON_IMAGE = 3  # lines of prose; an image with that many is a background
_SAMPLES = 4  # pages whose neighbours are searched for the graphics of running headers
_CLEARLY_NEARER = 0.5  # of the sum of distances: the better one of two sides for pictures
_PAGE_TOP, _PAGE_FOOT = 0.3, 0.7  # of the height: captions there may belong to a neighbour page
_COVERED_SHARE = 0.5  # of a box's area that makes it a part of another box


@dataclass(frozen=True, slots=True)
class FoundFigure:
    """A figure, and the boxes whose text is not body text: those of picture and caption."""

    figure: Figure
    taken: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A picture (None when not found) with its caption (None when it has none)."""

    box: Box | None
    label: str | None = None
    caption: str | None = None
    caption_box: Box | None = None


def find_figures(
    document: Any,
    pages: Sequence[Sequence[Line]],
    sizes: Sequence[PageSize],
    regions: Mapping[int, Sequence[Region]] | None = None,
    listed: Sequence[Graphics | None] = (),
    known: Container[str] | None = None,
) -> list[FoundFigure]:
    """Returns the figures of an open PDF in page order.

    `pages` are the lines of each page; `regions` are the layout model's results by page number.
    `listed` are the graphics of the pages, `known` the words of the document, where they are known.
    Only pages with a caption or with images are searched. A caption without a picture is no
    figure; a picture without a caption is a figure only when it is a large image.
    """
    captions = {
        size.number: found
        for size, lines in zip(sizes, pages, strict=True)
        if (found := _figure_captions(lines))
    }
    graphics = _graphics(document, sizes, captions, listed)
    styles, model = main_styles(pages), regions or {}
    scenes = [
        make_scene(
            PageContent(
                pages[number - 1],
                sizes[number - 1],
                graphics.get(number, ()),
                model.get(number, ()),
            ),
            of_turn,
            turn,
            styles,
        )
        for number, by_turn in captions.items()
        for turn, of_turn in by_turn.items()
    ]
    if known is None:
        known = words_of(line.text for lines in pages for line in lines)
    candidates = [*_captioned(scenes, known)]
    uncaptioned = [
        _Candidate(box)
        for number, of_page in graphics.items()
        for box in _large_images(of_page, pages[number - 1], sizes[number - 1])
        if not any(other.box and _covers(other.box, box) for other in candidates)
    ]
    return _numbered(_across_pages(candidates, uncaptioned, sizes))


def _figure_captions(lines: Sequence[Line]) -> dict[int, list[Caption]]:
    """The captions of a page, tables included, by the rotation of its text.

    Rotations without the caption of a figure are left out.
    """
    return {
        turn: captions
        for turn, captions in page_captions(lines).items()
        if any(not caption.is_table for caption in captions)
    }


def _graphics(
    document: Any,
    sizes: Sequence[PageSize],
    captions: Container[int],
    listed: Sequence[Graphics | None],
) -> dict[int, list[Graphic]]:
    """The graphics, by page, of the pages with a caption, and the images of those with images."""
    numbers = [size.number for size in sizes]
    searched = {number for number in numbers if number in captions or _has_images(document, number)}
    near = {other for n in sorted(searched)[:_SAMPLES] for other in (n - 2, n + 2)}
    graphics = {
        number: _page_graphics(
            document,
            number,
            listed[number - 1] if listed else None,
            images_only=number not in captions and number not in near,
        )
        for number in (searched | near) & set(numbers)
    }
    kept = without_furniture(graphics, sizes)
    return {number: kept[number] for number in sorted(searched) if kept[number]}


def _has_images(document: Any, number: int) -> bool:
    with suppress(Exception):  # MuPDF's errors have no base class but Exception
        return bool(document.get_page_images(number - 1))
    return False


def _page_graphics(
    document: Any, number: int, listed: Graphics | None, *, images_only: bool
) -> list[Graphic]:
    with suppress(Exception):  # see above
        return page_graphics(load_page(document, number), listed, images_only=images_only)
    return []


def _pairs(scenes: Sequence[Scene]) -> list[Pair]:
    """The captions with a picture, above them or below them as is the paper's style.

    Its style is where more captions get a picture, or all of them a nearer one. Publishers use one
    order throughout a paper.
    """
    above, below = (
        [pair for scene in scenes for pair in pair_captions(scene, side)]
        for side in (Side.ABOVE, Side.BELOW)
    )
    (count, distance), (other_count, other_distance) = _score(above), _score(below)
    is_nearer = other_count == count > 1 and other_distance < _CLEARLY_NEARER * distance
    return below if other_count > count or is_nearer else above


def _score(pairs: Sequence[Pair]) -> tuple[int, float]:
    """The number of figure captions with a picture, and the sum of their distances in points."""
    gaps = [
        pair.gap for pair in pairs if not pair.caption.is_table and pair.side is not Side.BESIDE
    ]
    return len(gaps), sum(gaps)


def _captioned(scenes: Sequence[Scene], words: Container[str]) -> Iterator[_Candidate]:
    """Yields all captions of figures, with their pictures where these were found."""
    rects = {id(pair.caption): pair.rect for pair in _pairs(scenes)}
    for scene in scenes:
        for caption in scene.captions:
            rect = rects.get(id(caption))
            if not caption.is_table:
                yield _Candidate(
                    box_of(rect, scene.page, scene.turn) if rect and _is_large(rect) else None,
                    caption.label.text,
                    caption.text(words),
                    box_of(caption.rect, scene.page, scene.turn),
                )


def _is_large(rect: Rect) -> bool:
    return min(rect.width, rect.height) >= _MIN_SIDE and rect.area >= _MIN_AREA


def _large_images(
    graphics: Sequence[Graphic], lines: Sequence[Line], size: PageSize
) -> Iterator[Box]:
    """Yields the images that are figures even without a caption."""
    area = size.width * size.height
    for cluster in clusters([graphic for graphic in graphics if graphic.is_image]):
        rect = cluster.rect
        in_head = size.number == 1 and rect.y0 + rect.y1 < 2 * _HEAD * size.height
        if in_head or not _LARGE <= rect.area / area <= _WHOLE_PAGE:
            continue
        if min(rect.width, rect.height) < _NARROW * min(size.width, size.height):
            continue
        inside = sum(is_prose(line) and is_center_in(line, [rect]) for line in lines)
        if inside < _MAX_LINES_ON_IMAGE:
            yield box_of(rect, size.number)


def _across_pages(
    candidates: Sequence[_Candidate], uncaptioned: Sequence[_Candidate], sizes: Sequence[PageSize]
) -> Iterator[_Candidate]:
    """Yields the candidates, then the images that are left without a caption.

    A caption without a picture at the top of a page gets the only image of the page before, one
    at the foot that of the page after.
    """
    left = list(uncaptioned)
    for candidate in candidates:
        if candidate.box is None and (box := candidate.caption_box):
            height = sizes[box.page - 1].height
            is_top = box.y0 < _PAGE_TOP * height
            other = box.page - 1 if is_top else box.page + 1
            near = [picture for picture in left if picture.box and picture.box.page == other]
            if len(near) == 1 and (is_top or box.y0 > _PAGE_FOOT * height):
                left.remove(near[0])
                candidate = replace(candidate, box=near[0].box)
        yield candidate
    yield from left


def _numbered(candidates: Iterable[_Candidate]) -> list[FoundFigure]:
    """The candidates with a picture, numbered by page and from top to bottom."""
    found: list[FoundFigure] = []
    kept = [(candidate.box, candidate) for candidate in candidates if candidate.box is not None]
    kept.sort(key=lambda pair: (pair[0].page, pair[0].y0, pair[0].x0))
    for number, (box, candidate) in enumerate(kept, 1):
        figure = Figure(number, candidate.label, candidate.caption, box)
        taken = (box, candidate.caption_box) if candidate.caption_box else (box,)
        found.append(FoundFigure(figure, taken))
    return found


def _covers(box: Box, other: Box) -> bool:
    """True when the box covers more than half of the other one."""
    shared = intersection(box, other)
    return (
        box.page == other.page
        and shared.width > 0
        and shared.height > 0
        and shared.area > _COVERED_SHARE * rect_of(other).area
    )
