"""The tables of a paper: found by captions, ruling lines and white space, without a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.papers import Box, Cell, PageSize, Table, TableSource
from extraction.tables.cells import Rows, read_cells
from extraction.tables.evidence import may_hold_rows, ruled_regions
from extraction.tables.frame import Frame, Measure, around, body_measure, line_rect
from extraction.tables.glyphs import Word, words_in, words_of_lines
from extraction.tables.regions import Region, above, add_notes, below, region_in, trim_notes
from extraction.tables.rulings import add_rulings
from extraction.tables.table_captions import Caption, find_captions, has_label
from extraction.text.clean import join_lines, words_of
from extraction.text.lines import Line
from extraction.vocabulary import FRONT_MATTER_LINE


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table, and the boxes (body, caption, notes) whose lines are no body text."""

    table: Table
    taken: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class TablePicture:
    """A caption of a table whose body is a picture, or nothing that could be read."""

    label: str
    caption: str
    box: Box


@dataclass(frozen=True, slots=True)
class TablesFound:
    """All tables of a paper in order of pages, and those that are only pictures."""

    tables: tuple[FoundTable, ...] = ()
    pictures: tuple[TablePicture, ...] = ()


@dataclass(slots=True, eq=False)
class _Part:
    """What stands on one page: a caption, a body, or both; and what was read from them."""

    frame: Frame
    caption: Caption | None
    region: Region | None
    rows: Rows = ()
    source: TableSource = TableSource.RULED
    order: float = 0.0


def find_tables(
    document: Any,
    pages: Sequence[Sequence[Line]],
    sizes: Sequence[PageSize],
    *,
    regions: Mapping[int, Sequence[Box]] | None = None,
    wanted: Collection[int] | None = None,
) -> TablesFound:
    """The tables of an open PyMuPDF document whose pages print these lines.

    `regions` are boxes, by page, where a layout model saw a table; `wanted` are the pages to look
    at (all when None). A page that MuPDF cannot read again has no tables.
    """
    measure = body_measure(pages)
    parts: list[_Part] = []
    frames: list[Frame] = []
    for size, lines in zip(sizes, pages, strict=True):
        if (wanted is not None and size.number not in wanted) or not lines:
            continue
        seen = (regions or {}).get(size.number, ())
        if has_label(lines) or seen or may_hold_rows(lines, measure):
            frames.extend(_frames(document, size.number, lines))
    for frame in frames:
        parts.extend(_Part(frame, caption, None) for caption in find_captions(frame, measure))
    _place(parts, measure)
    _add_seen(parts, frames, regions or {}, measure)
    _add_unlabelled(parts, frames, measure)
    return _read(document, parts, measure, _Words(pages))


class _Words:
    """The document's words, gathered when a hyphen asks for them."""

    def __init__(self, pages: Sequence[Sequence[Line]]) -> None:
        self._pages = pages
        self._words: set[str] | None = None

    def __contains__(self, word: object) -> bool:
        if self._words is None:
            self._words = words_of(line.text for page in self._pages for line in page)
        return word in self._words


def _frames(document: Any, number: int, lines: Sequence[Line]) -> list[Frame]:
    """The page in each orientation that its text has."""
    frames: list[Frame] = []
    for turn in sorted({line.rotation for line in lines}):
        own = [line for line in lines if line.rotation == turn]
        if turn and (len(own) < 8 or not has_label(own)) and turn != 0:
            continue
        frame = Frame(number, turn, own)
        try:
            add_rulings(document[number - 1], frame)
        except Exception:  # MuPDF's own errors share no base but Exception
            continue
        frames.append(frame)
    return frames


def _place(parts: list[_Part], measure: Measure) -> None:
    """Gives each caption its body: below or above, as most captions of the paper have it."""
    options = [
        (part, below(part.caption, part.frame, measure), above(part.caption, part.frame, measure))
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
        elif (part.region is not None, part.caption.sure) > (
            other.region is not None,
            other.caption.sure if other.caption else False,
        ):
            parts.remove(other)
            best[key] = part
        else:
            parts.remove(part)


def _add_seen(
    parts: list[_Part],
    frames: Sequence[Frame],
    seen: Mapping[int, Sequence[Box]],
    measure: Measure,
) -> None:
    """Bodies that only the layout model saw; the nearest caption without a body gets one."""
    for frame in (frame for frame in frames if frame.turn == 0):
        for box in seen.get(frame.page, ()):
            region = region_in(frame, (box.x0, box.y0, box.x1, box.y1))
            if region is None or any(p.region and p.region.overlaps(region) for p in parts):
                continue
            free = [p for p in parts if p.frame is frame and p.caption and not p.region]
            distance, near = min(
                ((_apart(part, region), part) for part in free),
                key=lambda pair: pair[0],
                default=(1e9, None),
            )
            if near is not None and distance < 60:
                near.region, near.source = region, TableSource.LAYOUT


def _apart(part: _Part, region: Region) -> float:
    if part.caption is None:
        return 1e9
    _, y0, _, y1 = part.caption.rect
    return min(abs(region.rect[1] - y1), abs(y0 - region.rect[3]))


def _add_unlabelled(parts: list[_Part], frames: Sequence[Frame], measure: Measure) -> None:
    """Bodies without a caption: ruled grids, and rows between rules of one extent."""
    for frame in frames:
        taken = [p.region for p in parts if p.frame is frame and p.region]
        for region in ruled_regions(frame, measure):
            if not any(region.overlaps(other) for other in taken):
                parts.append(_Part(frame, None, region))
                taken.append(region)


def _read(document: Any, parts: Sequence[_Part], measure: Measure, known: _Words) -> TablesFound:
    tables: list[FoundTable] = []
    pictures: list[TablePicture] = []
    last: dict[str, int] = {}
    for part in sorted(parts, key=_order):
        _read_part(document, part, measure, known)
        if part.rows:
            number = _goes_on(part, tables, last)
            if number is not None:
                tables[number] = _joined(tables[number], _found(part, number + 1, known))
                continue
            tables.append(_found(part, len(tables) + 1, known))
            if part.caption:
                last[part.caption.key] = len(tables) - 1
        elif part.caption is not None:
            pictures.extend(_picture(part, measure, known))
    return TablesFound(tuple(tables), tuple(pictures))


def _order(part: _Part) -> tuple[int, int, float]:
    rect = part.caption.rect if part.caption else part.region.rect if part.region else (0, 0, 0, 0)
    return part.frame.page, part.frame.turn, rect[1]


def _read_part(document: Any, part: _Part, measure: Measure, known: _Words) -> None:
    region = part.region
    if region is None:
        return
    x0, y0, x1, y1 = region.rect
    own = {id(line) for line in part.caption.lines} if part.caption else set()
    inner = [
        line
        for line in part.frame.lines
        if y0 - 1 < line.base - 0.3 * line.size < y1 + 1
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
        add_notes(region, measure, own)


def _words(document: Any, part: _Part, inner: Sequence[Line]) -> list[Word]:
    region = part.region
    assert region is not None
    try:
        words = words_in(document[part.frame.page - 1], part.frame, region.rect)
    except Exception:  # MuPDF's own errors share no base but Exception
        words = []
    if part.caption:
        words = [word for word in words if not _in_caption(word, part.caption)]
    if not words and inner:
        words = words_of_lines(inner)
        part.source = TableSource.OCR
    return words


def _in_caption(word: Word, caption: Caption) -> bool:
    return any(
        line.x0 - 1 <= word.x0 and word.x1 <= line.x1 + 1 and abs(line.base - word.base) < 3
        for line in caption.lines
    )


def _is_real(rows: Rows, page: int) -> bool:
    """True when a table without a caption has cells enough, and none that holds an abstract or
    what journals print about an article on its first page."""
    filled = [sum(bool(cell.text) for cell in row) for row in rows]
    texts = [cell.text for row in rows for cell in row]
    if max(map(len, texts)) > 400 or (page <= 2 and any(map(FRONT_MATTER_LINE.match, texts))):
        return False
    return len(rows) >= 2 and sum(count >= 2 for count in filled) >= max(2, 0.5 * len(rows))


def _goes_on(part: _Part, tables: Sequence[FoundTable], last: Mapping[str, int]) -> int | None:
    """The number of the table that this part continues from the page before."""
    if part.caption is not None:
        number = last.get(part.caption.key)
        if number is None or tables[number].table.boxes[-1].page >= part.frame.page:
            return None
        near = part.frame.page - tables[number].table.boxes[-1].page <= 2
        return number if part.caption.is_continuation or near else None
    if not tables:
        return None
    before = tables[-1].table
    return len(tables) - 1 if _same_table(before, part) else None


def _same_table(before: Table, part: _Part) -> bool:
    """True when an unlabelled part at the top of a page has the columns of the table before."""
    region = part.region
    if region is None or part.frame.page != before.boxes[-1].page + 1 or before.notes:
        return False
    box, last = part.frame.box(region.rect), before.boxes[-1]
    same_extent = abs((box.x1 - box.x0) - (last.x1 - last.x0)) < 8
    at_top = not any(
        line.y1 < region.rect[1] - 2 and line.y1 > 60 and len(line.text) > 40
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
        taken.append(part.frame.box(around(line_rect(line) for line in region.notes)))
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
    """The table with the rows of its next page, without the header that is printed again."""
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


def _picture(part: _Part, measure: Measure, known: _Words) -> list[TablePicture]:
    """The picture next to a caption that has no body of text."""
    caption = part.caption
    assert caption is not None
    x0, y0, x1, y1 = caption.rect
    x0, x1 = measure.column(x0, x1) or (x0, x1)
    for rect in part.frame.pictures:
        wide = min(rect[2], x1) - max(rect[0], x0) > 0.4 * min(rect[2] - rect[0], x1 - x0)
        tall = rect[3] - rect[1] > 40
        if wide and tall and (-5 < rect[1] - y1 < 40 or -5 < y0 - rect[3] < 40):
            text = _caption(caption, known) or ""
            return [TablePicture(caption.label, text, part.frame.box(rect))]
    return []
