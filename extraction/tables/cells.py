"""The cells of a table from the words in its region."""

from __future__ import annotations

import itertools
from collections.abc import Container, Sequence
from statistics import median

from domain.papers import Cell, TableSource
from extraction.geometry import interval_overlap
from extraction.tables.frame import SAME_LEVEL, SAME_RULE, Rule
from extraction.tables.glyphs import RAISED_BASELINE, SMALL_TYPE, Word, as_superscript
from extraction.tables.grid import Position, grid_cells
from extraction.tables.headers import GridCell, header_cells
from extraction.tables.regions import Region
from extraction.tables.rows import body_rows
from extraction.tables.spans import Row, Span, row_of
from extraction.tables.table_columns import Columns, PrintedLine, find_columns, printed_lines
from extraction.text.clean import clean_text, join_lines

Rows = tuple[tuple[Cell, ...], ...]

# Heuristics, chosen on the sample papers. Distances are in points.
_RULE_REACH = 4.0  # by which a rule may lie outside the region
_RULE_OVERLAP = 2.0  # by which a vertical rule must reach into the region
_TALL_RULE = 0.5  # of the table's height: a vertical rule that separates columns
_FULL_WIDTH, _HALF_WIDTH = 0.86, 0.5  # of the table's width that rules of one level cover
_COLUMN_SLACK = 2.0  # by which a column's middle may lie outside a rule
_ROWSPAN_REACH = 3.0  # by which a rule may lie below the top of the row that it separates
_BASE_SLACK = 2.0  # by which a baseline may lie below the rule under its line
_MAX_HEADER_LINES, _MAX_HEADER_SHARE = 8, 0.5  # lines above the first rule that are a header
_MAX_MORE_HEADER_LINES, _MAX_HEADER_NUMBERS = 3, 1  # in a header's second part
_MANY_FILLED = 0.5  # of the columns with a heading of their own: the header is complete
_NUMERIC_COLUMN, _NUMERIC_LINE = 0.5, 0.4  # share of numbers of most lines, and of the first one
_MAX_GUESSED_HEADER = 5  # lines of a header found by its content
_CENTERED = 0.06  # of the width: sum of the distances from both edges, for a group heading
_OVERHANG = 2.5  # distance from its column's left edge of text that runs into empty cells
_MAX_GRID_HEADER_ROWS = 3
_TOUCHING = 0.09  # type sizes between a word and a superscript that belongs to it
_FAR = 1e9


def read_cells(
    region: Region, words: Sequence[Word], known: Container[str]
) -> tuple[Rows, TableSource] | None:
    """The rows of the table, None when its words make less than two rows and two columns.

    `known` are the document's words; they decide whether a hyphen at a line's end is kept.
    """
    if not words:
        return None
    x0, y0, x1, y1 = region.rect
    horizontal = [
        rule
        for rule in region.frame.horizontal_rules
        if y0 - _RULE_REACH < rule.y < y1 + _RULE_REACH and rule.x1 > x0 and rule.x0 < x1
    ]
    vertical = [
        rule
        for rule in region.frame.vertical_rules
        if rule.y1 > y0 + _RULE_OVERLAP
        and rule.y0 < y1 - _RULE_OVERLAP
        and x0 - _RULE_REACH < rule.x < x1 + _RULE_REACH
    ]
    grid = grid_cells(words, region.rect, horizontal, vertical)
    if grid is not None:
        cells, height, width = grid
        _mark_header(cells)
    else:
        cells, height, width = _aligned_cells(region, words, horizontal, vertical)
    if width < 2 or height < 2:
        return None
    source = TableSource.RULED if grid or len(region.rules) > 1 else TableSource.ALIGNED
    return _as_rows(cells, height, width, known), source


def _aligned_cells(
    region: Region, words: Sequence[Word], horizontal: Sequence[Rule], vertical: Sequence[Rule]
) -> tuple[list[GridCell], int, int]:
    """The cells by white space and horizontal rules, with the number of rows and columns."""
    x0, y0, x1, y1 = region.rect
    lines = printed_lines(words)
    full, partial = _split_rules(horizontal, x0, x1)
    tall = [rule for rule in vertical if rule.y1 - rule.y0 > _TALL_RULE * (y1 - y0)]
    head = _header_length(lines, full)
    columns = find_columns(lines[head:], _lowest_header(lines[:head], partial), tall)
    if not head:
        head = _header_by_content(lines, columns)
    elif head < len(lines):
        head = _longer_header(lines, head, full, columns)
    cells: list[GridCell] = []
    count = 0
    if head:
        bottom = lines[head].top if head < len(lines) else _FAR
        cells, count = header_cells(
            lines[:head], columns, [rule for rule in partial if rule.y < bottom]
        )
    open_columns = _broken_rules(partial, columns, x0, x1)
    rows = body_rows(lines[head:], columns, [*full, *open_columns]) if lines[head:] else []
    _extend_rowspans(rows, open_columns)
    for number, row in enumerate(rows):
        cells += _body_cells(row, count + number, columns, (x0, x1))
    return cells, count + len(rows), len(columns)


def _split_rules(
    horizontal: Sequence[Rule], x0: float, x1: float
) -> tuple[list[float], list[Rule]]:
    """The y of full-width rules, and the shorter rules."""
    full: list[float] = []
    partial: list[Rule] = []
    for rule in horizontal:
        level = [other for other in horizontal if abs(other.y - rule.y) < SAME_LEVEL]
        if _covered_length(level, x0, x1) > _FULL_WIDTH * (x1 - x0):
            if not full or rule.y - full[-1] > SAME_RULE:
                full.append(rule.y)
        else:
            partial.append(rule)
    return full, partial


def _covered_length(rules: Sequence[Rule], x0: float, x1: float) -> float:
    return sum(interval_overlap(rule.x0, rule.x1, x0, x1) for rule in rules)


def _broken_rules(
    partial: Sequence[Rule], columns: Columns, x0: float, x1: float
) -> dict[float, set[int]]:
    """The y of rules over half of the table or more, with the columns that they leave out."""
    found: dict[float, set[int]] = {}
    for rule in partial:
        if any(abs(rule.y - y) < SAME_LEVEL for y in found):
            continue
        level = [other for other in partial if abs(other.y - rule.y) < SAME_LEVEL]
        if _covered_length(level, x0, x1) > _HALF_WIDTH * (x1 - x0):
            found[rule.y] = {
                number
                for number, (left, right) in enumerate(columns.extents)
                if not any(
                    r.x0 - _COLUMN_SLACK < (left + right) / 2 < r.x1 + _COLUMN_SLACK for r in level
                )
            }
    return found


def _extend_rowspans(rows: Sequence[Row], broken: dict[float, set[int]]) -> None:
    """Extends cells downwards where a rule leaves out their column."""
    owner: dict[int, Span] = {}
    for upper, lower in itertools.pairwise(rows):
        y = next(
            (y for y in broken if upper.top < y < lower.bottom and y < lower.top + _ROWSPAN_REACH),
            None,
        )
        kept: dict[int, Span] = {}
        for column in broken.get(y, ()) if y is not None else ():
            above = owner.get(column) or upper.at(column)
            if above and above.first == above.last and lower.at(column) is None:
                above.rowspan += 1
                kept[column] = above
        owner = kept


def _lowest_header(header: Sequence[PrintedLine], partial: Sequence[Rule]) -> Sequence[PrintedLine]:
    """The header's lines below its last partial rule; those above it span columns."""
    if not header:
        return header
    last = max((r.y for r in partial if header[0].base < r.y < header[-1].base), default=0.0)
    return [line for line in header if line.base > last]


def _header_length(lines: Sequence[PrintedLine], full: Sequence[float]) -> int:
    """How many printed lines are above the first full-width rule with lines above and below."""
    for y in full:
        above = sum(line.base - _BASE_SLACK < y for line in lines)
        if 0 < above < len(lines):
            limit = max(_MAX_HEADER_LINES, _MAX_HEADER_SHARE * len(lines))
            return above if above <= limit else 0
    return 0


def _longer_header(
    lines: Sequence[PrintedLine], head: int, full: Sequence[float], columns: Columns
) -> int:
    """The header's length including a second part below an inner rule.

    There is a second part only where the first one holds little but headings that span columns.
    """
    rows = [row_of(line, columns) for line in lines[:head]]
    filled = {span.first for row in rows for span in row.spans if span.first == span.last}
    spanning = any(span.last > span.first for row in rows for span in row.spans)
    following = next((y for y in full if y > lines[head].top), None)
    if not spanning or following is None or len(filled) > _MANY_FILLED * len(columns):
        return head
    longer = sum(line.base - _BASE_SLACK < following for line in lines)
    numbers = sum(
        span.is_number for line in lines[head:longer] for span in row_of(line, columns).spans
    )
    is_header = (
        longer - head <= _MAX_MORE_HEADER_LINES
        and longer < len(lines)
        and numbers <= _MAX_HEADER_NUMBERS
    )
    return longer if is_header else head


def _header_by_content(lines: Sequence[PrintedLine], columns: Columns) -> int:
    """How many lines are above the first one of numbers, or of type that is not bold."""
    rows = [row_of(line, columns) for line in lines]
    numeric = [sum(s.is_number for s in row.spans) / max(1, len(row.spans)) for row in rows]
    if len(rows) < 2:
        return 0
    if median(numeric[1:]) >= _NUMERIC_COLUMN:
        head = next(
            (
                n
                for n, share in enumerate(numeric)
                if share >= _NUMERIC_LINE and len(rows[n].spans) > 1
            ),
            0,
        )
        return head if head <= min(_MAX_GUESSED_HEADER, len(rows) // 2) else 0
    bold = [all(word.bold for word in line.words) for line in lines]
    if bold[0] and not all(bold):
        return bold.index(False)
    return 1


def _body_cells(
    row: Row, number: int, columns: Columns, edges: tuple[float, float]
) -> list[GridCell]:
    """The cells of a body row; a lone wide or centered text spans all columns."""
    width = len(columns)
    if len(row.spans) == 1:
        span = row.spans[0]
        printed = (columns.extents[0][0], columns.extents[-1][1])
        centered = any(
            abs((span.x0 + span.x1) - (left + right)) < _CENTERED * (right - left)
            for left, right in (printed, edges)
        )
        if (span.last > span.first and span.first == 0) or (centered and width > 2):
            return [GridCell(number, 0, 1, width, span.lines)]
    cells: list[GridCell] = []
    for span in row.spans:
        last = span.last
        if last > span.first and abs(span.x0 - columns.extents[span.first][0]) < _OVERHANG:
            last = span.first  # text that runs into empty cells
        colspan = last - span.first + 1
        cells.append(GridCell(number, span.first, span.rowspan, colspan, span.lines))
    return cells


def _mark_header(cells: Sequence[GridCell]) -> None:
    """Marks the first row as header, with the rows that its cells span."""
    depth = max((cell.rowspan for cell in cells if cell.row == 0), default=1)
    if depth > _MAX_GRID_HEADER_ROWS:
        depth = 1
    for cell in cells:
        cell.header = cell.row < depth


def _as_rows(cells: Sequence[GridCell], height: int, width: int, known: Container[str]) -> Rows:
    """The rows as in HTML; positions that no cell covers get an empty one."""
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


def _owners(cells: Sequence[GridCell], height: int, width: int) -> dict[Position, GridCell]:
    """Which cell covers each position.

    A cell that would cover another's position shrinks to its own first one; if that is taken, its
    lines are added to the cell there, so that no text is lost.
    """
    owner: dict[Position, GridCell] = {}
    for cell in sorted(cells, key=lambda cell: (cell.row, cell.column)):
        cell.rowspan = max(1, min(cell.rowspan, height - cell.row))
        cell.colspan = max(1, min(cell.colspan, width - cell.column))
        positions = _positions(cell)
        if any(position in owner for position in positions):
            present = owner.get((cell.row, cell.column))
            if present is not None:
                present.lines.extend(cell.lines)
                continue
            cell.rowspan = cell.colspan = 1
            positions = _positions(cell)
        owner.update(dict.fromkeys(positions, cell))
    return owner


def _positions(cell: GridCell) -> list[Position]:
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
    """The words of a line, without a space before a small mark that touches the word before it."""
    text = ""
    for number, word in enumerate(line):
        before = line[number - 1] if number else None
        if before is None:
            text = word.text
        elif (
            abs(word.x0 - before.x1) < _TOUCHING * before.size
            and word.size < SMALL_TYPE * before.size
        ):
            raised = before.base - word.base > RAISED_BASELINE * before.size
            text += as_superscript(word.text) if raised and text[-1].isdigit() else word.text
        else:
            text += " " + word.text
    return text
