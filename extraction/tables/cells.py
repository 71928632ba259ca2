"""The cells of a table from the words in its region."""

from __future__ import annotations

import itertools
from collections.abc import Container, Sequence
from statistics import median

from domain.papers import Cell, TableSource
from extraction.tables.frame import Rule
from extraction.tables.glyphs import Word, as_raised
from extraction.tables.grid import grid_cells
from extraction.tables.headers import Placed, header_cells
from extraction.tables.regions import Region
from extraction.tables.rows import Row, Span, body_rows, row_of
from extraction.tables.table_columns import Columns, Printed, find_columns, printed_lines
from extraction.text.clean import clean_text, join_lines

Rows = tuple[tuple[Cell, ...], ...]


def read_cells(
    region: Region, words: Sequence[Word], known: Container[str]
) -> tuple[Rows, TableSource] | None:
    """The rows of the table, None when its words make no two rows and two columns.

    `known` are the document's words, the witnesses for hyphens at line ends.
    """
    if not words:
        return None
    x0, y0, x1, y1 = region.rect
    across = [r for r in region.frame.across if y0 - 4 < r.y < y1 + 4 and r.x1 > x0 and r.x0 < x1]
    down = [
        r for r in region.frame.down if r.y1 > y0 + 2 and r.y0 < y1 - 2 and x0 - 4 < r.x < x1 + 4
    ]
    grid = grid_cells(words, region.rect, across, down)
    if grid is not None:
        cells, height, width = grid
        _mark_header(cells)
    else:
        cells, height, width = _aligned(region, words, across, down)
    if width < 2 or height < 2:
        return None
    source = TableSource.RULED if grid or len(region.rules) > 1 else TableSource.ALIGNED
    return _as_rows(cells, height, width, known), source


def _aligned(
    region: Region, words: Sequence[Word], across: Sequence[Rule], down: Sequence[Rule]
) -> tuple[list[Placed], int, int]:
    """Cells by white space and the lines across."""
    x0, y0, x1, y1 = region.rect
    lines = printed_lines(words)
    full, partial = _split_rules(across, x0, x1)
    tall = [rule for rule in down if rule.y1 - rule.y0 > 0.5 * (y1 - y0)]
    head = _header_length(lines, full)
    columns = find_columns(lines[head:], _lowest_header(lines[:head], partial), tall)
    if not head:
        head = _header_by_content(lines, columns)
    elif head < len(lines):
        head = _longer_header(lines, head, full, columns)
    cells: list[Placed] = []
    count = 0
    if head:
        bottom = lines[head].top if head < len(lines) else 1e9
        cells, count = header_cells(
            lines[:head], columns, [rule for rule in partial if rule.y < bottom]
        )
    open_columns = _broken_rules(partial, columns, x0, x1)
    rows = body_rows(lines[head:], columns, [*full, *open_columns]) if lines[head:] else []
    _deepen(rows, open_columns)
    for number, row in enumerate(rows):
        cells += _body_cells(row, count + number, columns, (x0, x1))
    return cells, count + len(rows), len(columns)


def _split_rules(across: Sequence[Rule], x0: float, x1: float) -> tuple[list[float], list[Rule]]:
    """Heights of lines right across the table, and the shorter rules."""
    full: list[float] = []
    partial: list[Rule] = []
    for rule in across:
        beside = [r for r in across if abs(r.y - rule.y) < 1.8]
        length = sum(min(r.x1, x1) - max(r.x0, x0) for r in beside)
        if length > 0.86 * (x1 - x0):
            if not full or rule.y - full[-1] > 2:
                full.append(rule.y)
        else:
            partial.append(rule)
    return full, partial


def _broken_rules(
    partial: Sequence[Rule], columns: Columns, x0: float, x1: float
) -> dict[float, set[int]]:
    """Heights of lines across half of the table or more -> the columns that they leave out."""
    found: dict[float, set[int]] = {}
    for rule in partial:
        if any(abs(rule.y - y) < 1.8 for y in found):
            continue
        level = [r for r in partial if abs(r.y - rule.y) < 1.8]
        if sum(min(r.x1, x1) - max(r.x0, x0) for r in level) > 0.5 * (x1 - x0):
            found[rule.y] = {
                number
                for number, (left, right) in enumerate(columns.extents)
                if not any(r.x0 - 2 < (left + right) / 2 < r.x1 + 2 for r in level)
            }
    return found


def _deepen(rows: Sequence[Row], broken: dict[float, set[int]]) -> None:
    """Lets cells reach down where a line across leaves their column out."""
    owner: dict[int, Span] = {}
    for upper, lower in itertools.pairwise(rows):
        y = next((y for y in broken if upper.top < y < lower.bottom and y < lower.top + 3), None)
        kept: dict[int, Span] = {}
        for column in broken.get(y, ()) if y is not None else ():
            above = owner.get(column) or upper.at(column)
            if above and above.first == above.last and lower.at(column) is None:
                above.deep += 1
                kept[column] = above
        owner = kept


def _lowest_header(header: Sequence[Printed], partial: Sequence[Rule]) -> Sequence[Printed]:
    """The header's lines below its last partial rule: those above it stand over columns."""
    if not header:
        return header
    last = max((r.y for r in partial if header[0].base < r.y < header[-1].base), default=0.0)
    return [line for line in header if line.base > last]


def _header_length(lines: Sequence[Printed], full: Sequence[float]) -> int:
    """How many printed lines stand above the first line across that has rows above and below."""
    for y in full:
        above = sum(line.base - 2 < y for line in lines)
        if 0 < above < len(lines):
            return above if above <= max(8, 0.5 * len(lines)) else 0
    return 0


def _longer_header(
    lines: Sequence[Printed], head: int, full: Sequence[float], columns: Columns
) -> int:
    """The header with a second part below an inner rule, where the first holds only headings of
    several columns."""
    rows = [row_of(line, columns) for line in lines[:head]]
    filled = {c for row in rows for s in row.spans if s.first == s.last for c in [s.first]}
    spanning = any(span.last > span.first for row in rows for span in row.spans)
    following = next((y for y in full if y > lines[head].top), None)
    if not spanning or following is None or len(filled) > 0.5 * len(columns):
        return head
    more = sum(line.base - 2 < following for line in lines)
    numbers = sum(
        span.is_number for line in lines[head:more] for span in row_of(line, columns).spans
    )
    return more if more - head <= 3 and more < len(lines) and numbers < 2 else head


def _header_by_content(lines: Sequence[Printed], columns: Columns) -> int:
    """How many lines stand above the first that is like the rest: numbers, or type that is not
    bold."""
    rows = [row_of(line, columns) for line in lines]
    numeric = [sum(s.is_number for s in row.spans) / max(1, len(row.spans)) for row in rows]
    if len(rows) < 2:
        return 0
    usual = median(numeric[1:])
    if usual >= 0.5:
        head = next(
            (n for n, share in enumerate(numeric) if share >= 0.4 and len(rows[n].spans) > 1), 0
        )
        return head if head <= min(5, len(rows) // 2) else 0
    bold = [all(word.bold for word in line.words) for line in lines]
    if bold[0] and not all(bold):
        return bold.index(False)
    return 1


def _body_cells(
    row: Row, number: int, columns: Columns, edges: tuple[float, float]
) -> list[Placed]:
    width = len(columns)
    if len(row.spans) == 1:
        span = row.spans[0]
        printed = (columns.extents[0][0], columns.extents[-1][1])
        centred = any(
            abs((span.x0 + span.x1) - (left + right)) < 0.06 * (right - left)
            for left, right in (printed, edges)
        )
        if (span.last > span.first and span.first == 0) or (centred and width > 2):
            return [Placed(number, 0, 1, width, span.lines)]
    cells: list[Placed] = []
    for span in row.spans:
        last = span.last
        if last > span.first and abs(span.x0 - columns.extents[span.first][0]) < 2.5:
            last = span.first  # it runs over into places that are empty
        cells.append(Placed(number, span.first, span.deep, last - span.first + 1, span.lines))
    return cells


def _mark_header(cells: Sequence[Placed]) -> None:
    """The first row is a header, with the rows that its cells reach into."""
    depth = max((cell.rowspan for cell in cells if cell.row == 0), default=1)
    if depth > 3:
        depth = 1
    for cell in cells:
        cell.header = cell.row < depth


def _as_rows(cells: Sequence[Placed], height: int, width: int, known: Container[str]) -> Rows:
    """Rows as in HTML: places that no cell covers get an empty one."""
    owner = _owners(cells, height, width)
    header_rows = max((c.row + c.rowspan for c in cells if c.header), default=0)
    rows: list[tuple[Cell, ...]] = []
    for r in range(height):
        row: list[Cell] = []
        for c in range(width):
            cell = owner.get((r, c))
            if cell is None:
                row.append(Cell("", header=r < header_rows))
            elif (cell.row, cell.column) == (r, c):
                text = cell_text(cell.lines, known)
                row.append(Cell(text, cell.rowspan, cell.colspan, cell.header))
        rows.append(tuple(row))
    return tuple(rows)


def _owners(cells: Sequence[Placed], height: int, width: int) -> dict[tuple[int, int], Placed]:
    """Which cell covers each place. One that would cover another's gives way, so that no text is
    lost: it shrinks to where it begins, or joins the cell that stands there."""
    owner: dict[tuple[int, int], Placed] = {}
    for cell in sorted(cells, key=lambda cell: (cell.row, cell.column)):
        cell.rowspan = max(1, min(cell.rowspan, height - cell.row))
        cell.colspan = max(1, min(cell.colspan, width - cell.column))
        places = _places(cell)
        if any(place in owner for place in places):
            standing = owner.get((cell.row, cell.column))
            if standing is not None:
                standing.lines.extend(cell.lines)
                continue
            cell.rowspan = cell.colspan = 1
            places = _places(cell)
        owner.update(dict.fromkeys(places, cell))
    return owner


def _places(cell: Placed) -> list[tuple[int, int]]:
    return [
        (r, c)
        for r in range(cell.row, cell.row + cell.rowspan)
        for c in range(cell.column, cell.column + cell.colspan)
    ]


def cell_text(lines: Sequence[Sequence[Word]], known: Container[str]) -> str:
    """The text of a cell: its lines joined, digits and marks as printed."""
    texts = [clean_text(_spaced(line)) for line in lines]
    return join_lines([text for text in texts if text], known)[0].strip()


def _spaced(line: Sequence[Word]) -> str:
    """The words of a line; no space before a small mark that touches the word before it."""
    text = ""
    for number, word in enumerate(line):
        before = line[number - 1] if number else None
        if before is None:
            text = word.text
        elif abs(word.x0 - before.x1) < 0.09 * before.size and word.size < 0.85 * before.size:
            raised = before.base - word.base > 0.12 * before.size
            text += as_raised(word.text) if raised and text[-1].isdigit() else word.text
        else:
            text += " " + word.text
    return text
