"""Prepares a page for the pairing of captions with pictures.

Separates running text from labels, and drops graphics that belong to the page itself: headers,
backgrounds, frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from domain.papers import PageSize
from extraction.captions import Caption, Style, style_of
from extraction.figures.graphics import Cluster, Graphic, clusters
from extraction.figures.model import Region, RegionKind
from extraction.figures.pairing import TOUCH, Scene
from extraction.geometry import Rect, contains_center, is_center_in, overlaps, rect_of, rotate
from extraction.text.labels import NUMBERED
from extraction.text.lines import Line

# Heuristics, chosen on the sample papers.
_MAIN_SHARE = 0.08  # of the document's characters: the least that a style of running text prints
_MIN_PIECE_HEIGHT = 24.0  # points of a cluster's part above or below a caption inside it
_WHOLE_PAGE = 0.85  # of the page's area: a scan, or the page's background
_HEAD, _FOOT = 0.13, 0.9  # of the page's height, beyond which running headers and footers are
_WIDE = 0.6  # of the page's width: a rule under a running header
_POSITION_STEP = 2  # points; positions on several pages are compared on this grid
_PROSE_WORDS = 5  # of a line of prose
_PROSE_POINTS = 100.0  # width of a line of prose
_PROSE_LETTERS = 0.6  # share of letters in a line of prose
_LINE_STEP = 1.6  # type sizes between baselines of one paragraph
_INDENT_LEFT, _INDENT_RIGHT = 2.0, 30.0  # points by which a paragraph's lines begin elsewhere
_LONGER = 3.0  # points by which such a line may be longer
_LINES_ON_IMAGE, _LINES_ON_DRAWING = 6, 1  # lines of running text on a background
_EDGE_SHARE = 0.4  # of a cluster's height at both ends, where it may be cut at running text

_Key = tuple[int, int, int, int]


def without_furniture(
    graphics: Mapping[int, Sequence[Graphic]], sizes: Sequence[PageSize]
) -> dict[int, list[Graphic]]:
    """The graphics by page, without the logos, bands and rules of running headers and footers.

    These are wide rules in the margin, and graphics at the same position in the margin of several
    pages.
    """
    counts: Counter[_Key] = Counter()
    for number, of_page in graphics.items():
        height = sizes[number - 1].height
        counts.update(
            {_key(graphic.rect) for graphic in of_page if _is_in_margin(graphic.rect, height)}
        )
    return {
        number: [
            graphic for graphic in of_page if not _is_furniture(graphic, sizes[number - 1], counts)
        ]
        for number, of_page in graphics.items()
    }


def _key(rect: Rect) -> _Key:
    x0, y0, x1, y1 = (round(value / _POSITION_STEP) for value in rect)
    return x0, y0, x1, y1


def _is_in_margin(rect: Rect, height: float) -> bool:
    return rect.y1 < _HEAD * height or rect.y0 > _FOOT * height


def _is_furniture(graphic: Graphic, size: PageSize, counts: Mapping[_Key, int]) -> bool:
    if not _is_in_margin(graphic.rect, size.height):
        return False
    wide_rule = graphic.is_rule and graphic.rect.width > _WIDE * size.width
    return wide_rule or counts[_key(graphic.rect)] > 1


def main_styles(pages: Iterable[Sequence[Line]]) -> set[Style]:
    """The styles of running text: each has at least 8 % of the document's characters."""
    weights: Counter[Style] = Counter()
    for line in (line for lines in pages for line in lines):
        weights[style_of(line)] += len(line.text)
    total = sum(weights.values())
    return {style for style, count in weights.items() if count >= _MAIN_SHARE * total}


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page: its lines, size, graphics, and the regions that the layout model found."""

    lines: Sequence[Line]
    size: PageSize
    graphics: Sequence[Graphic]
    regions: Sequence[Region]


def make_scene(
    page: PageContent, captions: Sequence[Caption], turn: int, styles: Collection[Style]
) -> Scene:
    """The page with the text of this rotation upright; `styles` are those of the running text.

    The layout model's tables count only on pages with the caption of a table: without one, the
    model has taken a chart for a table.
    """
    frame = rotate(Rect(0.0, 0.0, page.size.width, page.size.height), turn)
    pictures = _region_rects(page.regions, RegionKind.PICTURE, turn)
    has_table = any(caption.is_table for caption in captions)
    tables = _region_rects(page.regions, RegionKind.TABLE, turn) if has_table else []
    upright = [line for line in page.lines if line.rotation == turn]
    body, labels = _split_text(upright, captions, pictures, styles)
    every = [Graphic(rect, True) for rect in pictures]
    every += [Graphic(rotate(graphic.rect, turn), graphic.is_image) for graphic in page.graphics]
    kept = [
        graphic
        for graphic in every
        if not _is_background(graphic, frame, body, captions)
        and (graphic.is_image or not is_center_in(graphic.rect, tables))
    ]
    found = [
        _trimmed(piece, body) for cluster in clusters(kept) for piece in _cut(cluster, captions)
    ]
    return Scene(page.size.number, turn, captions, body, labels, found, frame)


def _region_rects(regions: Sequence[Region], kind: RegionKind, turn: int) -> list[Rect]:
    return [rotate(rect_of(region.box), turn) for region in regions if region.kind is kind]


def _split_text(
    lines: Sequence[Line],
    captions: Sequence[Caption],
    pictures: Sequence[Rect],
    styles: Collection[Style],
) -> tuple[list[Rect], list[Line]]:
    """The bounding boxes of running text, and the other lines except captions and headings."""
    of_captions = {id(line) for caption in captions for line in caption.lines}
    rest = [line for line in lines if id(line) not in of_captions]
    prose = [
        line
        for line in rest
        if style_of(line) in styles and is_prose(line) and not is_center_in(line, pictures)
    ]
    running = {id(line) for line in prose}
    for line in rest:
        if id(line) not in running and any(_is_same_paragraph(line, other) for other in prose):
            running.add(id(line))
    body = [rect_of(line) for line in rest if id(line) in running]
    others = [line for line in rest if id(line) not in running]
    return body, [line for line in others if not _is_heading(line, styles)]


def _is_heading(line: Line, styles: Iterable[Style]) -> bool:
    """True for a numbered heading, in type no smaller than the running text's: no axis label."""
    numbered = NUMBERED.fullmatch(line.text)
    return (
        numbered is not None
        and numbered["title"][0].isalpha()
        and (line.bold or line.is_upper)
        and style_of(line)[1] >= max((size for _, size in styles), default=0)
    )


def is_prose(line: Line) -> bool:
    """True for a wide line of several words, mostly letters: no label, no row of numbers."""
    letters = sum(character.isalpha() for character in line.text)
    return (
        line.text.count(" ") >= _PROSE_WORDS - 1
        and line.x1 - line.x0 >= _PROSE_POINTS
        and letters > _PROSE_LETTERS * len(line.text)
    )


def _is_same_paragraph(line: Line, prose: Line) -> bool:
    """True for the short last line of a paragraph, or for its indented first one."""
    return (
        abs(line.base - prose.base) < _LINE_STEP * prose.size
        and prose.x0 - _INDENT_LEFT <= line.x0 <= prose.x0 + _INDENT_RIGHT
        and line.x1 <= prose.x1 + _LONGER
        and style_of(line) == style_of(prose)
    )


def _is_background(
    graphic: Graphic, frame: Rect, body: Sequence[Rect], captions: Sequence[Caption]
) -> bool:
    """True for graphics behind or around text: a shaded box, a frame, a scanned page."""
    rect = graphic.rect
    if rect.area > _WHOLE_PAGE * frame.area:
        return True
    if not graphic.is_image and any(contains_center(rect, caption.rect) for caption in captions):
        return True
    lines = sum(contains_center(rect, line) for line in body)
    return lines >= (_LINES_ON_IMAGE if graphic.is_image else _LINES_ON_DRAWING)


def _cut(cluster: Cluster, captions: Sequence[Caption]) -> Iterator[Cluster]:
    """Yields the parts of the cluster above and below the captions that it covers."""
    rect = cluster.rect
    for caption in captions:
        other = caption.rect
        if overlaps(rect, other, TOUCH) and rect.x0 < (other.x0 + other.x1) / 2 < rect.x1:
            for y0, y1 in ((rect.y0, other.y0), (other.y1, rect.y1)):
                if y1 - y0 > _MIN_PIECE_HEIGHT:
                    piece = replace(cluster, rect=Rect(rect.x0, y0, rect.x1, y1))
                    yield from _cut(piece, captions)
            return
    yield cluster


def _trimmed(cluster: Cluster, body: Sequence[Rect]) -> Cluster:
    """The cluster without the white margin of an image that extends under running text."""
    x0, y0, x1, y1 = rect = cluster.rect
    for line in body:
        if not overlaps(rect, line, TOUCH):
            continue
        if line.y0 + line.y1 < 2 * rect.y0 + 2 * _EDGE_SHARE * rect.height:
            y0 = max(y0, line.y1)
        elif line.y0 + line.y1 > 2 * rect.y1 - 2 * _EDGE_SHARE * rect.height:
            y1 = min(y1, line.y0)
    return replace(cluster, rect=Rect(x0, y0, x1, y1)) if y0 < y1 else cluster
