"""Finds the tables of a paper by captions, ruling lines and white space, without a model."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.papers import Box, Figure, PageSize, Table, TableSource
from extraction.captions import Caption, without_caption
from extraction.geometry import Rect, interval_overlap, rect_of, union
from extraction.tables.aligned import aligned_regions
from extraction.tables.cells import Rows, read_cells, width_of
from extraction.tables.code import is_code
from extraction.tables.continuation import joined_rows
from extraction.tables.evidence import may_hold_rows, ruled_regions
from extraction.tables.frame import BodyStyle, Frame, find_body_style
from extraction.tables.glyphs import (
    Word,
    is_typed_rule,
    shown_words,
    words_in,
    words_of_lines,
)
from extraction.tables.regions import Region, RegionFinder, region_in
from extraction.tables.rulings import add_rulings
from extraction.tables.table_captions import find_captions, has_label
from extraction.tables.table_notes import add_notes, trim_notes
from extraction.text.clean import join_lines, words_of
from extraction.text.drawn import Graphics
from extraction.text.lines import Line
from extraction.text.page_loading import load_page
from extraction.vocabulary.front_matter import EMAIL, FRONT_MATTER_LINE, begins_abstract

# Heuristics, chosen on the sample papers. Distances are in points.
_MIN_ROTATED_LINES = 8  # fewer rotated lines are no table
_CAPTION_GAP = 60.0  # between a caption and a region that was found without it
_SLACK = 1.0  # by which a line or a word may reach out of the region or the caption
_SAME_BASELINE = 3.0  # between the baselines of a word and the caption's line that prints it
_MAX_CELL_CHARACTERS = 400  # without a caption; a longer cell holds an abstract
_FRONT_PAGES = 2  # pages that may print an article's front matter between rules
_MIN_FILLED_ROWS, _MIN_FILLED_ROWS_SHARE = 2, 0.5  # rows with two texts or more
_MAX_PAGES_BETWEEN = 2  # pages from one part of a table to the next with the same label
_SAME_WIDTH = 8.0  # by which the parts of a table without a label may differ in width
_PAGE_MARGIN = 60.0  # height of the running header at the top of a page
_LONG_LINE_CHARACTERS = 40  # a line this long above a part is text, not a running header
_ABOVE_PART = 2.0  # least distance of such a line
_MIN_IMAGE_SHARE = 0.4  # of the narrower one of image and column that both share
_MIN_IMAGE_HEIGHT = 40.0
_MAX_IMAGE_GAP, _MAX_IMAGE_OVERLAP = 40.0, 5.0  # between an image and its caption


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table, and the boxes (body, caption, notes) whose lines are not body text."""

    table: Table
    taken: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class TablesFound:
    """All tables of a paper in page order, and those that exist as images only: as figures."""

    tables: tuple[FoundTable, ...] = ()
    pictures: tuple[Figure, ...] = ()


@dataclass(slots=True, eq=False)
class _Part:
    """A table on one page: its caption, its region, or both, and the cells read from them."""

    frame: Frame
    caption: Caption | None
    region: Region | None = None
    rows: Rows = ()
    source: TableSource = TableSource.RULED

    @property
    def page(self) -> int:
        return self.frame.page

    @property
    def top(self) -> float:
        bounds = self.caption or self.region
        return bounds.rect.y0 if bounds else 0.0

    def is_taken(self, region: Region) -> bool:
        return self.region is not None and self.region.overlaps(region)


def find_tables(
    document: Any,
    pages: Sequence[Sequence[Line]],
    sizes: Sequence[PageSize],
    *,
    regions: Mapping[int, Sequence[Box]] | None = None,
    wanted: Collection[int] | None = None,
    listed: Sequence[Graphics | None] = (),
    shown: Mapping[int, Sequence[Line]] | None = None,
    known: Container[str] | None = None,
) -> TablesFound:
    """Returns the tables of an open PyMuPDF document with these text lines.

    `regions` are the boxes, by page, that a layout model classified as tables; `wanted` are the
    pages to search (None: all). `listed` are the graphics of the pages, `known` the words of the
    document, where they are known. `shown` are all lines of the pages whose text layer holds text
    that they do not show. A page that MuPDF fails to read again has no tables.
    """
    body_style = find_body_style(pages)
    model_boxes = regions or {}
    frames: list[Frame] = []
    for size, lines in zip(sizes, pages, strict=True):
        if (wanted is not None and size.number not in wanted) or not lines:
            continue
        if has_label(lines) or model_boxes.get(size.number) or may_hold_rows(lines, body_style):
            graphics = listed[size.number - 1] if listed else None
            of_page = shown.get(size.number) if shown else None
            frames.extend(_frames(document, size.number, lines, graphics, of_page))
    parts = [
        _Part(frame, caption) for frame in frames for caption in find_captions(frame, body_style)
    ]
    _assign_regions(parts, body_style)
    parts = _without_repeated_captions(parts)
    for frame in frames:
        _assign_model_regions(parts, frame, model_boxes.get(frame.page, ()))
    for frame in frames:  # regions without a caption: rows between rules of one extent
        for region in ruled_regions(frame, body_style):
            if not any(part.is_taken(region) for part in parts):
                parts.append(_Part(frame, None, region))
    for frame in frames:  # rows of values in columns
        for region in aligned_regions(frame, body_style):
            if not any(part.is_taken(region) for part in parts):
                near = _nearest_caption(parts, region)
                if near:
                    near.region = region
                else:
                    parts.append(_Part(frame, None, region))
    if known is None:
        known = words_of(line.text for page in pages for line in page)
    return _read(document, parts, body_style, known)


def _frames(
    document: Any,
    number: int,
    lines: Sequence[Line],
    listed: Graphics | None,
    shown: Sequence[Line] | None,
) -> Iterator[Frame]:
    """The page in each rotation of its text; rotated text counts only with a table's label."""
    for turn in sorted({line.rotation for line in lines}):
        own = [line for line in lines if line.rotation == turn]
        if turn and (len(own) < _MIN_ROTATED_LINES or not has_label(own)):
            continue
        frame = Frame(number, turn, [line for line in own if not is_typed_rule(line.text)])
        if shown is not None:
            frame.shown = [line for line in shown if line.rotation == turn]
        try:
            add_rulings(load_page(document, number), frame, listed)
        except Exception:  # MuPDF's errors have no base class but Exception
            continue
        yield frame


def _assign_regions(parts: Sequence[_Part], body_style: BodyStyle) -> None:
    """Assigns each caption its region, below or above it as with most captions of the paper."""
    finders = [RegionFinder(part.frame, body_style, part.caption) for part in parts]
    options = [(finder.below(), finder.above()) for finder in finders]
    vote = sum((low is not None) - (high is not None) for low, high in options)
    vote += sum(1 if low.distance <= high.distance else -1 for low, high in options if low and high)
    for part, (low, high) in zip(parts, options, strict=True):
        for region in (low, high) if vote >= 0 else (high, low):
            if region and not any(other.is_taken(region) for other in parts):
                part.region = region
                break


def _without_repeated_captions(parts: Sequence[_Part]) -> list[_Part]:
    """The parts; of those with one label on a page only the best: with a region, or certain."""
    best: dict[tuple[int, str], _Part] = {}
    for part in sorted(parts, key=_evidence, reverse=True):
        assert part.caption is not None
        best.setdefault((part.page, part.caption.label.key), part)
    kept = set(map(id, best.values()))
    return [part for part in parts if id(part) in kept]


def _evidence(part: _Part) -> tuple[bool, bool]:
    return part.region is not None, part.caption is not None and part.caption.is_certain


def _assign_model_regions(parts: Sequence[_Part], frame: Frame, boxes: Sequence[Box]) -> None:
    """Assigns regions that only the layout model found to the nearest caption without one."""
    for box in boxes if frame.turn == 0 else ():
        region = region_in(frame, rect_of(box))
        if region is None or any(part.is_taken(region) for part in parts):
            continue
        if near := _nearest_caption(parts, region):
            near.region, near.source = region, TableSource.LAYOUT


def _nearest_caption(parts: Sequence[_Part], region: Region) -> _Part | None:
    """The part with the caption next to the region, of those without a region."""
    free = [part for part in parts if part.frame is region.frame and not part.region]
    near = min(free, key=lambda part: _distance(part, region.rect), default=None)
    return near if near and _distance(near, region.rect) < _CAPTION_GAP else None


def _distance(part: _Part, region: Rect) -> float:
    """The vertical distance in points between the part's caption and the region."""
    assert part.caption is not None
    rect = part.caption.rect
    return min(abs(region.y0 - rect.y1), abs(rect.y0 - region.y1))


def _read(
    document: Any, parts: Sequence[_Part], body_style: BodyStyle, known: Container[str]
) -> TablesFound:
    """Reads the cells of all parts and joins the parts of tables that span pages."""
    tables: list[FoundTable] = []
    pictures: list[Figure] = []
    last: dict[str, int] = {}
    upright = {part.page: part.frame for part in parts if not part.frame.turn}
    for part in sorted(parts, key=lambda part: (part.page, part.frame.turn, part.top)):
        if part.region:
            _read_part(document, part, part.region, body_style, known)
        if part.rows and part.region:
            before = upright.get(part.page - 1)
            read = [found.table for found in tables]
            number = _continued_table(part, part.region, read, last, before)
            if number is not None:
                more = _found(part, part.region, number + 1, known)
                tables[number] = _joined(tables[number], more, known)
                continue
            tables.append(_found(part, part.region, len(tables) + 1, known))
            if part.caption:
                last[part.caption.label.key] = len(tables) - 1
        elif part.caption is not None:
            pictures.extend(_picture(part.frame, part.caption, body_style, known))
    return TablesFound(tuple(tables), tuple(pictures))


def _read_part(
    document: Any, part: _Part, region: Region, body_style: BodyStyle, known: Container[str]
) -> None:
    """Reads the cells of the region; without a real table in it, the part has no rows."""
    inner = without_caption(part.frame.lines_in(region.rect.expanded(0.0, _SLACK)), part.caption)
    trim_notes(region, inner)
    words = _words(document, part, region)
    if not words and inner:
        words = words_of_lines(inner)
        part.source = TableSource.OCR
    found = read_cells(region, words, known)
    if found is None or (part.caption is None and not _is_real(found[0], part, region)):
        return
    part.rows = found[0]
    if part.source is not TableSource.LAYOUT:
        part.source = found[1]
    if not region.notes:
        add_notes(region, body_style, part.caption)


def _words(document: Any, part: _Part, region: Region) -> list[Word]:
    """The words of the text layer in the region, without those of the caption."""
    try:
        words = words_in(load_page(document, part.page), part.frame, region.rect)
    except Exception:  # MuPDF's errors have no base class but Exception
        return []
    if part.frame.shown is not None:
        words = shown_words(words, part.frame.shown)
    return [word for word in words if not (part.caption and _in_caption(word, part.caption))]


def _in_caption(word: Word, caption: Caption) -> bool:
    return any(
        line.x0 - _SLACK <= word.x0
        and word.x1 <= line.x1 + _SLACK
        and abs(line.base - word.base) < _SAME_BASELINE
        for line in caption.lines
    )


def _is_real(rows: Rows, part: _Part, region: Region) -> bool:
    """True when a table without a caption has enough filled cells and is not front matter."""
    filled = [sum(bool(cell.text) for cell in row) for row in rows]
    texts = [cell.text for row in rows for cell in row]
    is_front = part.page <= _FRONT_PAGES and _is_front_matter(texts, part.frame, region)
    if max(map(len, texts)) > _MAX_CELL_CHARACTERS or is_front or is_code(rows):
        return False
    min_filled = max(_MIN_FILLED_ROWS, _MIN_FILLED_ROWS_SHARE * len(rows))
    return len(rows) >= 2 and sum(count >= 2 for count in filled) >= min_filled


def _is_front_matter(texts: Sequence[str], frame: Frame, region: Region) -> bool:
    """True for an abstract, for what journals print about an article on its first page, and for
    title and authors, which stand above the abstract."""
    return (
        any(map(FRONT_MATTER_LINE.match, texts))
        or any(map(EMAIL.search, texts))
        or any(line.base > region.rect.y1 and begins_abstract(line.text) for line in frame.lines)
    )


def _continued_table(
    part: _Part,
    region: Region,
    tables: Sequence[Table],
    last: Mapping[str, int],
    page_before: Frame | None,
) -> int | None:
    """The index of the table that this part continues from an earlier page, None if there is none.

    `last` maps a label's key to the index of the last table with that label.
    """
    if part.caption is not None:
        number = last.get(part.caption.label.key)
        pages = part.page - tables[number].boxes[-1].page if number is not None else 0
        is_near = pages <= _MAX_PAGES_BETWEEN or part.caption.label.is_continuation
        return number if pages > 0 and is_near else None
    is_same = tables and _same_table(tables[-1], part, region, page_before)
    return len(tables) - 1 if is_same else None


def _same_table(before: Table, part: _Part, region: Region, page_before: Frame | None) -> bool:
    """True when an unlabelled part at the top of a page has the columns of the previous table.

    A part that was found by its rows, without its rules, may be narrower.
    """
    last = before.boxes[-1]
    if part.page != last.page + 1 or before.notes:
        return False
    box = part.frame.box(region.rect)
    same_extent = abs((box.x1 - box.x0) - (last.x1 - last.x0)) < _SAME_WIDTH
    if not same_extent and page_before is not None and _ends_page(last, page_before):
        same_extent = last.x0 - _SAME_WIDTH < box.x0 and box.x1 < last.x1 + _SAME_WIDTH
    at_top = not any(
        _PAGE_MARGIN < line.y1 < region.rect.y0 - _ABOVE_PART
        and len(line.text) > _LONG_LINE_CHARACTERS
        for line in part.frame.lines
    )
    return same_extent and at_top and width_of(part.rows) == width_of(before.rows)


def _ends_page(last: Box, page: Frame) -> bool:
    """True when no line of text follows the table on its page."""
    following = (line for line in page.lines if line.y0 > last.y1)
    return not any(len(line.text) > _LONG_LINE_CHARACTERS for line in following)


def _found(part: _Part, region: Region, number: int, known: Container[str]) -> FoundTable:
    caption, box = part.caption, part.frame.box(region.rect)
    taken = [box]
    if caption:
        taken.append(part.frame.box(caption.rect))
    notes = None
    if region.notes:
        taken.append(part.frame.box(union(region.notes)))
        notes = join_lines([line.text for line in region.notes], known)[0]
    label, text = (caption.label.text, caption.text(known)) if caption else (None, None)
    table = Table(number, label, text, (box,), part.rows, part.source, notes)
    return FoundTable(table, tuple(taken))


def _joined(first: FoundTable, more: FoundTable, known: Container[str]) -> FoundTable:
    """The table with the rows of its next page."""
    table = replace(
        first.table,
        boxes=(*first.table.boxes, *more.table.boxes),
        rows=joined_rows(first.table.rows, more.table.rows, known),
        notes=" ".join(n for n in (first.table.notes, more.table.notes) if n) or None,
    )
    return FoundTable(table, (*first.taken, *more.taken))


def _picture(
    frame: Frame, caption: Caption, body_style: BodyStyle, known: Container[str]
) -> list[Figure]:
    """The image next to a caption without a text body, as a figure: one, or none."""
    x0, y0, x1, y1 = caption.rect
    x0, x1 = body_style.column(x0, x1) or (x0, x1)
    for image in frame.images:
        shared = interval_overlap(image.x0, image.x1, x0, x1)
        is_wide = shared > _MIN_IMAGE_SHARE * min(image.width, x1 - x0)
        is_near = any(
            -_MAX_IMAGE_OVERLAP < gap < _MAX_IMAGE_GAP for gap in (image.y0 - y1, y0 - image.y1)
        )
        if is_wide and image.height > _MIN_IMAGE_HEIGHT and is_near:
            return [Figure(0, caption.label.text, caption.text(known) or "", frame.box(image))]
    return []
