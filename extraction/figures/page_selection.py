"""Which pages the layout model should look at: it costs a hundred times what reading them costs.

Cheap evidence: a caption says that there is a table or a figure; where the cheap ways found it,
the model has nothing to add.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from domain.papers import Box, Figure, PageSize, Table
from extraction.figures.figure_captions import CaptionLines, captions_of
from extraction.options import LayoutMode
from extraction.tables.frame import in_rows
from extraction.text.lines import Line

# Lines of a page: journals print 300 at most; the model's time grows with their square.
_MOST_LINES = 3000
_MOST_SHARE = 0.4  # of a paper's pages: what `auto` may spend of the cost of `always`
_LEAST_FILLED = 0.4  # of a table's cells
_LEGENDS = 3  # so many captions without a picture are a list of legends
# A page of rows: so many baselines, and such a share of all, with three pieces narrower than a
# column of two, two of them narrower than a column of three.
_ROWS, _ROWS_SHARE = 12, 0.2
_NARROW, _NARROWER = 0.36, 0.25  # of the width of the page's text


def pages_worth(
    mode: LayoutMode,
    pages: Sequence[Sequence[Line]],
    sizes: Sequence[PageSize],
    *,
    tables: Sequence[Table] = (),
    figures: Sequence[Figure] = (),
    doubted: Collection[int] = (),
) -> set[int]:
    """The numbers of the pages that the layout model should look at.

    With `auto` those with a caption of which `tables` and `figures`, as found by cheaper ways, have
    nothing, with a table that does not look like one, with rows of short pieces and no table (it
    may go on there from the page before), and those that the caller `doubted` (columns that are
    unsure); at most two in five, tables before doubts before figures. Pages without text are never
    worth it, nor are those with more lines than anybody prints.
    """
    numbered = zip(sizes, pages, strict=True)
    read = [size.number for size, lines in numbered if 0 < len(lines) <= _MOST_LINES]
    if mode is LayoutMode.OFF:
        return set()
    if mode is LayoutMode.ALWAYS:
        return set(read)
    captions = {number: [*_captions(pages[number - 1])] for number in read}
    without_table = _unresolved_tables(captions, tables)
    without_picture = _unresolved_figures(captions, figures)
    doubts = {*doubted, *_doubtful(tables), *_rows_alone(pages, tables, figures)}
    wanted = dict.fromkeys(
        [*without_table, *(number for number in read if number in doubts), *without_picture]
    )
    most = max(1, int(_MOST_SHARE * len(read)))
    return set(list(wanted)[:most])


def _captions(lines: Sequence[Line]) -> Iterator[CaptionLines]:
    for turn in sorted({line.turn for line in lines}):
        yield from captions_of([line for line in lines if line.turn == turn])


def _unresolved_tables(
    captions: dict[int, list[CaptionLines]], tables: Iterable[Table]
) -> Iterator[int]:
    """Pages with the caption of a table that none of the tables on it has."""
    found = {
        (box.page, _plain(table.label)) for table in tables if table.label for box in table.boxes
    }
    for number, some in captions.items():
        if any(one.is_table and (number, _plain(one.label)) not in found for one in some):
            yield number


def _doubtful(tables: Iterable[Table]) -> Iterator[int]:
    """Pages of tables with a single row or column, or that are mostly empty."""
    for table in tables:
        cells = [cell for row in table.rows for cell in row]
        width = max((sum(cell.colspan for cell in row) for row in table.rows), default=0)
        filled = sum(bool(cell.text.strip()) for cell in cells)
        if min(len(table.rows), width) < 2 or filled < _LEAST_FILLED * len(cells):
            yield from (box.page for box in table.boxes)


def _rows_alone(
    pages: Sequence[Sequence[Line]], tables: Iterable[Table], figures: Sequence[Figure]
) -> Iterator[int]:
    """Pages without a table whose lines, those on figures excepted, stand in rows as in one."""
    with_table = {box.page for table in tables for box in table.boxes}
    for number, lines in enumerate(pages, start=1):
        pictures = [figure.box for figure in figures if figure.page == number]
        flat = [line for line in lines if not line.turn and not _is_on(line, pictures)]
        if number not in with_table and flat and _is_in_rows(flat):
            yield number


def _is_on(line: Line, boxes: Iterable[Box]) -> bool:
    x, y = (line.x0 + line.x1) / 2, (line.y0 + line.y1) / 2
    return any(box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1 for box in boxes)


def _is_in_rows(lines: Sequence[Line]) -> bool:
    """True when many baselines carry three pieces or more, too narrow for columns of prose."""
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    rows = in_rows(lines)
    count = 0
    for row in rows:
        shares = [(line.x1 - line.x0) / width for line in row] if width > 0 else []
        narrow = sum(share < _NARROW for share in shares)
        count += narrow >= 3 and sum(share < _NARROWER for share in shares) >= 2
    return count >= _ROWS and count >= _ROWS_SHARE * len(rows)


def _unresolved_figures(
    captions: dict[int, list[CaptionLines]], figures: Iterable[Figure]
) -> Iterator[int]:
    """Pages with the caption of a figure that was not found, lists of legends excepted."""
    found = {_plain(figure.label) for figure in figures if figure.label}
    for number, some in captions.items():
        missing = [one for one in some if not one.is_table and _plain(one.label) not in found]
        if 0 < len(missing) < _LEGENDS:
            yield number


def _plain(label: str) -> str:
    """The label without its manner: "Tab. 3" and "TABLE 3" are one."""
    kind, rest = label[:3].lower(), re.sub(r"^[A-Za-z]+\.?\s*", "", label)
    return f"{kind} {rest.strip('.: ').lower()}"
