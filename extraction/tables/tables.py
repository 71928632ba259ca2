"""Finds the tables of a paper by captions, ruling lines and white space, without a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.papers import Box, Cell, PageSize, Table, TableSource
from extraction.geometry import interval_overlap, rect_of, union
from extraction.tables.cells import Rows, read_cells
from extraction.tables.evidence import may_hold_rows, ruled_regions
from extraction.tables.frame import BodyStyle, Frame, find_body_style, midline
from extraction.tables.glyphs import Word, words_in, words_of_lines
from extraction.tables.regions import (
    Region,
    region_above,
    region_below,
    region_in,
)
from extraction.tables.rulings import add_rulings
from extraction.tables.table_captions import Caption, find_captions, has_label
from extraction.tables.table_notes import add_notes, trim_notes
from extraction.text.clean import join_lines, words_of
from extraction.text.lines import Line
from extraction.vocabulary import FRONT_MATTER_LINE

# Heuristics, chosen on the sample papers. Distances are in points.
_MIN_ROTATED_LINES = 8  # fewer rotated lines are no table
_MODEL_CAPTION_GAP = 60.0  # between a caption and a region that only the layout model found
_SLACK = 1.0  # by which a line or a word may reach out of the region or the caption
_SAME_BASELINE = 3.0  # between the baselines of a word and the caption's line that prints it
_MAX_CELL_CHARACTERS = 400  # without a caption; a longer cell holds an abstract
_FRONT_PAGES = 2  # pages that may print an article's front matter between rules
_MIN_FILLED_ROWS, _MIN_FILLED_ROWS_SHARE = 2, 0.5  # rows with two texts or more
_MAX_PAGES_BETWEEN = 2  # pages from one part of a table to the next with the same label
_SAME_WIDTH = 8.0  # by which the parts of a table without a label may differ in width
_PAGE_MARGIN = 60.0  # height of the running header at the top of a page
_LONG_LINE_CHARACTERS = 40  # a line this long above a part is text, not a running header
_MIN_IMAGE_SHARE = 0.4  # of the narrower one of image and column that both share
_MIN_IMAGE_HEIGHT = 40.0
_MAX_IMAGE_GAP, _MAX_IMAGE_OVERLAP = 40.0, 5.0  # between an image and its caption
_FAR = 1e9


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table, and the boxes (body, caption, notes) whose lines are not body text."""

    table: Table
    taken: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class TablePicture:
    """The caption of a table whose body is an image, with the image's box."""

    label: str
    caption: str
    box: Box


@dataclass(frozen=True, slots=True)
class TablesFound:
    """All tables of a paper in page order, and those that exist as images only."""

    tables: tuple[FoundTable, ...] = ()
    pictures: tuple[TablePicture, ...] = ()


@dataclass(slots=True, eq=False)
class _Part:
    """A table on one page: its caption, its region, or both, and the cells read from them."""

    frame: Frame
    caption: Caption | None
    region: Region | None
    rows: Rows = ()
    source: TableSource = TableSource.RULED


def find_tables(
    document: Any,
    pages: Sequence[Sequence[Line]],
    sizes: Sequence[PageSize],
    *,
    regions: Mapping[int, Sequence[Box]] | None = None,
    wanted: Collection[int] | None = None,
) -> TablesFound:
    """Returns the tables of an open PyMuPDF document with these text lines.

    `regions` are the boxes, by page, that a layout model classified as tables; `wanted` are the
    pages to search (None: all). A page that MuPDF fails to read again has no tables.
    """
    body_style = find_body_style(pages)
    parts: list[_Part] = []
    frames: list[Frame] = []
    for size, lines in zip(sizes, pages, strict=True):
        if (wanted is not None and size.number not in wanted) or not lines:
            continue
        model_boxes = (regions or {}).get(size.number, ())
        if has_label(lines) or model_boxes or may_hold_rows(lines, body_style):
            frames.extend(_frames(document, size.number, lines))
    for frame in frames:
        parts.extend(_Part(frame, caption, None) for caption in find_captions(frame, body_style))
    _assign_regions(parts, body_style)
    _add_model_regions(parts, frames, regions or {})
    _add_unlabelled(parts, frames, body_style)
    return _read(document, parts, body_style, _Words(pages))


class _Words:
    """The document's words, collected lazily when the first hyphen needs them."""

    def __init__(self, pages: Sequence[Sequence[Line]]) -> None:
        self._pages = pages
        self._words: set[str] | None = None

    def __contains__(self, word: object) -> bool:
        if self._words is None:
            self._words = words_of(line.text for page in self._pages for line in page)
        return word in self._words


def _frames(document: Any, number: int, lines: Sequence[Line]) -> list[Frame]:
    """The page in each rotation of its text; rotated text counts only with a table's label."""
    frames: list[Frame] = []
    for turn in sorted({line.rotation for line in lines}):
        own = [line for line in lines if line.rotation == turn]
        if turn and (len(own) < _MIN_ROTATED_LINES or not has_label(own)):
            continue
        frame = Frame(number, turn, own)
        try:
            add_rulings(document[number - 1], frame)
        except Exception:  # MuPDF's errors have no base class but Exception
            continue
        frames.append(frame)
    return frames


def _assign_regions(parts: list[_Part], body_style: BodyStyle) -> None:
    """Assigns each caption its region, below or above it as with most captions of the paper.

    Of two captions with one label on a page, the one without a region is removed.
    """
    options = [
        (
            part,
            region_below(part.caption, part.frame, body_style),
            region_above(part.caption, part.frame, body_style),
        )
        for part in parts
        if part.caption
    ]
    vote = sum((low is not None) - (high is not None) for _, low, high in options)
    vote += sum(
        1 if low.distance <= high.distance else -1 for _, low, high in options if low and high
    )
    used: list[Region] = []
    for part, low, high in options:
        choices = [low, high] if vote >= 0 else [high, low]
        for region in choices:
            if region and not any(region.overlaps(other) for other in used):
                part.region = region
                used.append(region)
                break
    best: dict[tuple[int, str], _Part] = {}
    for part in list(parts):
        if part.caption is None:
            continue
        key = (part.frame.page, part.caption.key)
        other = best.get(key)
        if other is None:
            best[key] = part
        elif (part.region is not None, part.caption.is_certain) > (
            other.region is not None,
            other.caption.is_certain if other.caption else False,
        ):
            parts.remove(other)
            best[key] = part
        else:
            parts.remove(part)


def _add_model_regions(
    parts: list[_Part], frames: Sequence[Frame], boxes: Mapping[int, Sequence[Box]]
) -> None:
    """Assigns regions that only the layout model found to the nearest caption without one."""
    for frame in (frame for frame in frames if frame.turn == 0):
        for box in boxes.get(frame.page, ()):
            region = region_in(frame, rect_of(box))
            if region is None or any(p.region and p.region.overlaps(region) for p in parts):
                continue
            free = [p for p in parts if p.frame is frame and p.caption and not p.region]
            distance, near = min(
                ((_distance(part, region), part) for part in free),
                key=lambda pair: pair[0],
                default=(_FAR, None),
            )
            if near is not None and distance < _MODEL_CAPTION_GAP:
                near.region, near.source = region, TableSource.LAYOUT


def _distance(part: _Part, region: Region) -> float:
    """The vertical distance in points between the part's caption and the region."""
    if part.caption is None:
        return _FAR
    rect = part.caption.rect
    return min(abs(region.rect.y0 - rect.y1), abs(rect.y0 - region.rect.y1))


def _add_unlabelled(parts: list[_Part], frames: Sequence[Frame], body_style: BodyStyle) -> None:
    """Adds the regions without a caption: rows between rules of one extent."""
    for frame in frames:
        taken = [p.region for p in parts if p.frame is frame and p.region]
        for region in ruled_regions(frame, body_style):
            if not any(region.overlaps(other) for other in taken):
                parts.append(_Part(frame, None, region))
                taken.append(region)


def _read(
    document: Any, parts: Sequence[_Part], body_style: BodyStyle, known: _Words
) -> TablesFound:
    """Reads the cells of all parts and joins the parts of tables that span pages."""
    tables: list[FoundTable] = []
    pictures: list[TablePicture] = []
    last: dict[str, int] = {}
    for part in sorted(parts, key=_order):
        _read_part(document, part, body_style, known)
        if part.rows:
            number = _continued_table(part, tables, last)
            if number is not None:
                tables[number] = _joined(tables[number], _found(part, number + 1, known))
                continue
            tables.append(_found(part, len(tables) + 1, known))
            if part.caption:
                last[part.caption.key] = len(tables) - 1
        elif part.caption is not None:
            pictures.extend(_picture(part, body_style, known))
    return TablesFound(tuple(tables), tuple(pictures))


def _order(part: _Part) -> tuple[int, int, float]:
    rect = part.caption.rect if part.caption else part.region.rect if part.region else None
    return part.frame.page, part.frame.turn, rect.y0 if rect else 0


def _read_part(document: Any, part: _Part, body_style: BodyStyle, known: _Words) -> None:
    """Reads the part's cells; a region without cells, or without a real table, is dropped."""
    region = part.region
    if region is None:
        return
    x0, y0, x1, y1 = region.rect
    own = {id(line) for line in part.caption.lines} if part.caption else set()
    inner = [
        line
        for line in part.frame.lines
        if y0 - _SLACK < midline(line) < y1 + _SLACK
        and line.x1 > x0
        and line.x0 < x1
        and id(line) not in own
    ]
    trim_notes(region, inner)
    words = _words(document, part, inner)
    found = read_cells(region, words, known)
    if found is None or (part.caption is None and not _is_real(found[0], part.frame.page)):
        part.region = None if found is None else part.region
        return
    part.rows = found[0]
    if part.source is not TableSource.LAYOUT:
        part.source = found[1]
    if not region.notes:
        add_notes(region, body_style, own)


def _words(document: Any, part: _Part, inner: Sequence[Line]) -> list[Word]:
    """The words in the part's region; those of its OCR lines where there is no text layer."""
    region = part.region
    assert region is not None
    try:
        words = words_in(document[part.frame.page - 1], part.frame, region.rect)
    except Exception:  # MuPDF's errors have no base class but Exception
        words = []
    if part.caption:
        words = [word for word in words if not _in_caption(word, part.caption)]
    if not words and inner:
        words = words_of_lines(inner)
        part.source = TableSource.OCR
    return words


def _in_caption(word: Word, caption: Caption) -> bool:
    return any(
        line.x0 - _SLACK <= word.x0
        and word.x1 <= line.x1 + _SLACK
        and abs(line.base - word.base) < _SAME_BASELINE
        for line in caption.lines
    )


def _is_real(rows: Rows, page: int) -> bool:
    """True when a table without a caption has enough filled cells and is not front matter.

    Front matter: an abstract, or what journals print about an article on its first page.
    """
    filled = [sum(bool(cell.text) for cell in row) for row in rows]
    texts = [cell.text for row in rows for cell in row]
    is_front = page <= _FRONT_PAGES and any(map(FRONT_MATTER_LINE.match, texts))
    if max(map(len, texts)) > _MAX_CELL_CHARACTERS or is_front:
        return False
    min_filled = max(_MIN_FILLED_ROWS, _MIN_FILLED_ROWS_SHARE * len(rows))
    return len(rows) >= 2 and sum(count >= 2 for count in filled) >= min_filled


def _continued_table(
    part: _Part, tables: Sequence[FoundTable], last: Mapping[str, int]
) -> int | None:
    """The index of the table that this part continues from an earlier page, None if there is none.

    `last` maps a label's key to the index of the last table with that label.
    """
    if part.caption is not None:
        number = last.get(part.caption.key)
        if number is None or tables[number].table.boxes[-1].page >= part.frame.page:
            return None
        near = part.frame.page - tables[number].table.boxes[-1].page <= _MAX_PAGES_BETWEEN
        return number if part.caption.is_continuation or near else None
    if not tables:
        return None
    before = tables[-1].table
    return len(tables) - 1 if _same_table(before, part) else None


def _same_table(before: Table, part: _Part) -> bool:
    """True when an unlabelled part at the top of a page has the columns of the previous table."""
    region = part.region
    if region is None or part.frame.page != before.boxes[-1].page + 1 or before.notes:
        return False
    box, last = part.frame.box(region.rect), before.boxes[-1]
    same_extent = abs((box.x1 - box.x0) - (last.x1 - last.x0)) < _SAME_WIDTH
    at_top = not any(
        _PAGE_MARGIN < line.y1 < region.rect.y0 - 2 and len(line.text) > _LONG_LINE_CHARACTERS
        for line in part.frame.lines
    )
    return same_extent and at_top and _width(part.rows) == _width(before.rows)


def _width(rows: Rows) -> int:
    return max((sum(cell.colspan for cell in row) for row in rows), default=0)


def _found(part: _Part, number: int, known: _Words) -> FoundTable:
    region = part.region
    assert region is not None
    box = part.frame.box(region.rect)
    taken = [box]
    if part.caption:
        taken.append(part.frame.box(part.caption.rect))
    notes = None
    if region.notes:
        taken.append(part.frame.box(union(region.notes)))
        notes = join_lines([line.text for line in region.notes], known)[0]
    label = part.caption.label if part.caption else None
    table = Table(
        number, label, _caption(part.caption, known), (box,), part.rows, part.source, notes
    )
    return FoundTable(table, tuple(taken))


def _caption(caption: Caption | None, known: _Words) -> str | None:
    if caption is None:
        return None
    return join_lines([text for text in caption.texts if text], known)[0].strip() or None


def _joined(first: FoundTable, more: FoundTable) -> FoundTable:
    """The table with the rows of its next page, without the repeated header."""
    rows = list(more.table.rows)
    for before in first.table.rows:
        if rows and _texts(rows[0]) == _texts(before):
            rows.pop(0)
        else:
            break
    notes = " ".join(n for n in (first.table.notes, more.table.notes) if n) or None
    table = replace(
        first.table,
        boxes=(*first.table.boxes, *more.table.boxes),
        rows=(*first.table.rows, *rows),
        notes=notes,
    )
    return FoundTable(table, (*first.taken, *more.taken))


def _texts(row: Sequence[Cell]) -> list[str]:
    return ["".join(cell.text.split()).lower() for cell in row]


def _picture(part: _Part, body_style: BodyStyle, known: _Words) -> list[TablePicture]:
    """The image next to a caption without a text body: one item, or none."""
    caption = part.caption
    assert caption is not None
    x0, y0, x1, y1 = caption.rect
    x0, x1 = body_style.column(x0, x1) or (x0, x1)
    for image in part.frame.images:
        shared = interval_overlap(image.x0, image.x1, x0, x1)
        is_wide = shared > _MIN_IMAGE_SHARE * min(image.width, x1 - x0)
        is_near = any(
            -_MAX_IMAGE_OVERLAP < gap < _MAX_IMAGE_GAP for gap in (image.y0 - y1, y0 - image.y1)
        )
        if is_wide and image.height > _MIN_IMAGE_HEIGHT and is_near:
            text = _caption(caption, known) or ""
            return [TablePicture(caption.label, text, part.frame.box(image))]
    return []
