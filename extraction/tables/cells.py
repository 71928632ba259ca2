"""The cells of a table from the words in its region."""

from __future__ import annotations

import itertools
from collections.abc import Container, Sequence
from statistics import median

from domain.papers import Cell, TableSource
from extraction.geometry import Rect, distinct, overlap_x, overlap_y
from extraction.tables.frame import SAME_LEVEL, SAME_RULE
from extraction.tables.glyphs import RAISED_BASELINE, SMALL_TYPE, Word, as_superscript
from extraction.tables.grid import GridCell, Position, grid_cells
from extraction.tables.headers import header_cells
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
    rect = region.rect
    horizontal = [
        rule
        for rule in region.frame.horizontal_rules
        if rect.y0 - _RULE_REACH < rule.center_y < rect.y1 + _RULE_REACH
        and overlap_x(rule, rect) > 0
    ]
    vertical = [
        rule
        for rule in region.frame.vertical_rules
        if overlap_y(rule, rect) > _RULE_OVERLAP
        and rect.x0 - _RULE_REACH < rule.center_x < rect.x1 + _RULE_REACH
    ]
    grid = grid_cells(words, rect, horizontal, vertical)
    if grid is not None:
        cells, height, width = grid
        _mark_header(cells)
    else:
        cells, height, width = _aligned_cells(rect, words, horizontal, vertical)
    cells, width = _without_empty_columns(cells, width)
    if width < 2 or height < 2:
        return None
    source = TableSource.RULED if grid or len(region.rules) > 1 else TableSource.ALIGNED
    return _as_rows(cells, height, width, known), source


def _aligned_cells(
    rect: Rect, words: Sequence[Word], horizontal: Sequence[Rect], vertical: Sequence[Rect]
) -> tuple[list[GridCell], int, int]:
    """The cells by white space and horizontal rules, with the number of rows and columns."""
    lines = printed_lines(words)
    full, partial = _split_rules(horizontal, rect)
    tall = [rule for rule in vertical if rule.height > _TALL_RULE * rect.height]
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
        over = [rule for rule in partial if rule.center_y < bottom]
        cells, count = header_cells(lines[:head], columns, over)
    open_columns = _broken_rules(partial, columns, rect)
    rows = body_rows(lines[head:], columns, [*full, *open_columns]) if lines[head:] else []
    _extend_rowspans(rows, open_columns)
    for number, row in enumerate(rows, count):
        cells += _body_cells(row, number, columns, rect)
    return cells, count + len(rows), len(columns)


def _without_empty_columns(cells: list[GridCell], width: int) -> tuple[list[GridCell], int]:
    """The cells without columns in which no text begins, and the number of columns left."""
    filled = sorted({cell.column for cell in cells if cell.lines})
    if len(filled) == width:
        return cells, width
    kept = [cell for cell in cells if cell.column in filled]
    for cell in kept:
        end = cell.column + cell.colspan
        cell.colspan = sum(cell.column <= column < end for column in filled)
        cell.column = filled.index(cell.column)
    return kept, len(filled)


def _split_rules(horizontal: Sequence[Rect], rect: Rect) -> tuple[list[float], list[Rect]]:
    """The y of full-width rules, and the shorter rules."""
    full = [rule for rule in horizontal if _cover(_level(horizontal, rule), rect, _FULL_WIDTH)]
    partial = [rule for rule in horizontal if rule not in full]
    return distinct((rule.center_y for rule in full), SAME_RULE), partial


def _level(rules: Sequence[Rect], rule: Rect) -> list[Rect]:
    return [other for other in rules if abs(other.center_y - rule.center_y) < SAME_LEVEL]


def _cover(rules: Sequence[Rect], rect: Rect, share: float) -> bool:
    return sum(overlap_x(rule, rect) for rule in rules) > share * rect.width


def _broken_rules(partial: Sequence[Rect], columns: Columns, rect: Rect) -> dict[float, set[int]]:
    """The y of rules over half of the table or more, with the columns that they leave out."""
    found: dict[float, set[int]] = {}
    for rule in partial:
        level = _level(partial, rule)
        is_known = any(abs(rule.center_y - y) < SAME_LEVEL for y in found)
        if not is_known and _cover(level, rect, _HALF_WIDTH):
            covered = {number for other in level for number in columns.under(other, _COLUMN_SLACK)}
            found[rule.center_y] = set(range(len(columns))) - covered
    return found


def _extend_rowspans(rows: Sequence[Row], broken: dict[float, set[int]]) -> None:
    """Extends cells downwards where a rule leaves out their column."""
    owner: dict[int, Span] = {}
    for upper, lower in itertools.pairwise(rows):
        bottom = min(lower.bottom, lower.top + _ROWSPAN_REACH)
        kept: dict[int, Span] = {}
        for column in next((broken[y] for y in broken if upper.top < y < bottom), ()):
            above = owner.get(column) or upper.at(column)
            if above and above.first == above.last and lower.at(column) is None:
                above.rowspan += 1
                kept[column] = above
        owner = kept


def _lowest_header(header: Sequence[PrintedLine], partial: Sequence[Rect]) -> Sequence[PrintedLine]:
    """The header's lines below its last partial rule; those above it span columns."""
    if not header:
        return header
    ys = [rule.center_y for rule in partial]
    last = max((y for y in ys if header[0].base < y < header[-1].base), default=0.0)
    return [line for line in header if line.base > last]


def _header_length(lines: Sequence[PrintedLine], full: Sequence[float]) -> int:
    """How many printed lines are above the first full-width rule with lines above and below."""
    for y in full:
        above = sum(line.base - _BASE_SLACK < y for line in lines)
        if 0 < above < len(lines):
            return above if above <= max(_MAX_HEADER_LINES, _MAX_HEADER_SHARE * len(lines)) else 0
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


def _body_cells(row: Row, number: int, columns: Columns, rect: Rect) -> list[GridCell]:
    """The cells of a body row; a lone wide or centered text spans all columns."""
    width = len(columns)
    if len(row.spans) == 1:
        span = row.spans[0]
        printed = (columns.extents[0][0], columns.extents[-1][1])
        centered = any(
            abs((span.x0 + span.x1) - (left + right)) < _CENTERED * (right - left)
            for left, right in (printed, (rect.x0, rect.x1))
        )
        if (span.last > span.first and span.first == 0) or (centered and width > 2):
            return [GridCell(number, 0, 1, width, span.lines)]
        if width > 2 and _is_over_values(span, columns):
            return [GridCell(number, 1, 1, width - 1, span.lines)]
    cells: list[GridCell] = []
    for span in row.spans:
        # Text that runs into empty cells begins at the left edge of its column.
        runs_over = abs(span.x0 - columns.extents[span.first][0]) < _OVERHANG
        colspan = 1 if runs_over else span.last - span.first + 1
        cells.append(GridCell(number, span.first, span.rowspan, colspan, span.lines))
    return cells


def _is_over_values(span: Span, columns: Columns) -> bool:
    """True for text centered over all columns but the first one."""
    left, right = columns.extents[1][0], columns.extents[-1][1]
    is_centered = abs((span.x0 + span.x1) - (left + right)) < _CENTERED * (right - left)
    return span.first > 0 and is_centered


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
    rows: list[list[Cell]] = [[] for _ in range(height)]
    for row, column in itertools.product(range(height), range(width)):
        cell = owner.get((row, column))
        if cell is None:
            rows[row].append(Cell("", header=row < header_rows))
        elif (cell.row, cell.column) == (row, column):
            text = _cell_text(cell.lines, known)
            rows[row].append(Cell(text, cell.rowspan, cell.colspan, cell.header))
    return tuple(map(tuple, rows))


def width_of(rows: Rows) -> int:
    """The number of columns of the widest row."""
    return max((sum(cell.colspan for cell in row) for row in rows), default=0)


def _owners(cells: Sequence[GridCell], height: int, width: int) -> dict[Position, GridCell]:
    """Which cell covers each position.

    A cell that would cover another's position shrinks to its own first one; if that is taken, its
    lines are added to the cell there, so that no text is lost.
    """
    owner: dict[Position, GridCell] = {}
    for cell in sorted(cells, key=lambda cell: (cell.row, cell.column)):
        cell.rowspan = max(1, min(cell.rowspan, height - cell.row))
        cell.colspan = max(1, min(cell.colspan, width - cell.column))
        present = owner.get((cell.row, cell.column))
        if present is not None:
            present.lines.extend(cell.lines)
            continue
        if any(position in owner for position in cell.positions):
            cell.rowspan = cell.colspan = 1
        owner.update(dict.fromkeys(cell.positions, cell))
    return owner


def _cell_text(lines: Sequence[Sequence[Word]], known: Container[str]) -> str:
    """The text of a cell: its lines joined, digits and marks as printed."""
    texts = [clean_text(_spaced(line)) for line in lines]
    return join_lines([text for text in texts if text], known)[0].strip()


def _spaced(line: Sequence[Word]) -> str:
    """The words of a line, without a space before a small mark that touches the word before it."""
    text = line[0].text if line else ""
    for before, word in itertools.pairwise(line):
        is_touching = abs(word.x0 - before.x1) < _TOUCHING * before.size
        if not is_touching or word.size >= SMALL_TYPE * before.size:
            text += " " + word.text
            continue
        raised = before.base - word.base > RAISED_BASELINE * before.size
        text += as_superscript(word.text) if raised and text[-1].isdigit() else word.text
    return text
