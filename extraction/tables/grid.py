"""The cells of a table with ruling lines around each of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extraction.geometry import Rect, distinct, interval_overlap
from extraction.tables.glyphs import Word
from extraction.tables.table_columns import PrintedLine, printed_lines

Position = tuple[int, int]  # row and column, from 0

# Heuristics, chosen on the sample papers. Distances are in points.
_MIN_LEVELS = 3  # rules in each direction, outer edges included: two rows and two columns
_MAX_POSITIONS = 20_000  # rows times columns; more belong to a plot
_MIN_WALL_SHARE = 0.55  # of the inner vertical cell borders that must be drawn
_LEVEL_REACH = 4.0  # by which a rule may lie outside the region
_SAME_LEVEL = 3.5  # rules nearer than this are one
_MIN_BLANK_STEP = 1.8  # type sizes between the baselines around a blank line
_EDGE_GAP = 6.0  # a region's edge farther than this from the next rule is a level of its own
_MIN_BORDER_SHARE = 0.6  # of a cell's side that a rule must cover
_MIN_LINES_AS_ROWS = 3  # a cell of that many lines may hold rows
_SAME_LINE_COUNT_SHARE = 0.6  # of a row's cells that hold as many lines
_ROWS_SHARE = 0.5  # of all lines in such cells; above it the cells hold whole rows


@dataclass(slots=True, eq=False)
class GridCell:
    """A cell at its grid position: row and column from 0, its spans, its words line by line."""

    row: int
    column: int
    rowspan: int
    colspan: int
    lines: list[list[Word]]
    header: bool = False

    @property
    def positions(self) -> list[Position]:
        rows = range(self.row, self.row + self.rowspan)
        columns = range(self.column, self.column + self.colspan)
        return list(itertools.product(rows, columns))


def grid_cells(
    words: Sequence[Word], rect: Rect, horizontal: Sequence[Rect], vertical: Sequence[Rect]
) -> tuple[list[GridCell], int, int] | None:
    """The cells with the number of rows and columns; None where rules do not separate the cells."""
    xs = _levels([rule.center_x for rule in vertical], rect.x0, rect.x1)
    ys = _levels([rule.center_y for rule in horizontal], rect.y0, rect.y1)
    if len(xs) < _MIN_LEVELS or len(ys) < _MIN_LEVELS or len(xs) * len(ys) > _MAX_POSITIONS:
        return None
    blank = list(_blank_levels(words, xs, ys))
    ys = sorted([*ys, *blank])
    below = _borders(ys, xs, horizontal)
    below |= {(ys.index(y) - 1, column) for y in blank for column in range(len(xs) - 1)}
    transposed = _borders(xs, ys, [rule.transposed for rule in vertical])
    right = {(row, column) for column, row in transposed}
    inner_borders = (len(ys) - 1) * (len(xs) - 2)
    if len(right) < _MIN_WALL_SHARE * inner_borders:
        return None
    groups = _merged_positions(len(ys) - 1, len(xs) - 1, below, right)
    words_by_cell = _words_by_cell(words, xs, ys, groups)
    cells = [_cell(positions, words_by_cell.get(positions[0], [])) for positions in groups.values()]
    if _holds_rows(cells, len(xs) - 1) or not words:
        return None
    return _without_empty(cells)


def _levels(values: Sequence[float], low: float, high: float) -> list[float]:
    """The distinct coordinates of rules from `low` to `high`, both edges included."""
    near = sorted(v for v in values if low - _LEVEL_REACH < v < high + _LEVEL_REACH)
    levels = distinct(near, _SAME_LEVEL)
    if not levels or levels[0] > low + _EDGE_GAP:
        levels.insert(0, low)
    if levels[-1] < high - _EDGE_GAP:
        levels.append(high)
    return levels


def _borders(ys: Sequence[float], xs: Sequence[float], horizontal: Sequence[Rect]) -> set[Position]:
    """The positions with a rule below them."""
    below: set[Position] = set()
    for row, y in enumerate(ys[1:-1]):
        for rule in (rule for rule in horizontal if abs(rule.center_y - y) < _SAME_LEVEL):
            for column, (x0, x1) in enumerate(itertools.pairwise(xs)):
                covered = interval_overlap(rule.x0, rule.x1, x0, x1)
                if covered > _MIN_BORDER_SHARE * (x1 - x0):
                    below.add((row, column))
    return below


def _blank_levels(
    words: Sequence[Word], xs: Sequence[float], ys: Sequence[float]
) -> Iterator[float]:
    """Yields the levels of blank lines between rows that only a larger cell has rules around.

    A row below a blank line begins on one baseline in the first column and in another one.
    """
    for top, bottom in itertools.pairwise(ys):
        inside = [word for word in words if top < word.midline < bottom]
        has_label = False
        for upper, lower in itertools.pairwise(printed_lines(inside)):
            has_label = has_label or _columns_of(upper, xs)[0]
            size = max(word.size for word in lower.words)
            first, *others = _columns_of(lower, xs)
            is_blank = lower.base - upper.base > _MIN_BLANK_STEP * size
            if is_blank and has_label and first and any(others):
                yield (upper.bottom + lower.top) / 2


def _columns_of(line: PrintedLine, xs: Sequence[float]) -> list[bool]:
    """Which columns the line has words in."""
    filled = {_interval_index(xs, (word.x0 + word.x1) / 2) for word in line.words}
    return [column in filled for column in range(len(xs) - 1)]


def _merged_positions(
    rows: int, columns: int, below: set[Position], right: set[Position]
) -> dict[Position, list[Position]]:
    """The positions of each cell by its first one: neighbours without a border are one cell."""
    owner: dict[Position, Position] = {}
    for row in range(rows):
        for column in range(columns):
            first = (row, column)
            if first in owner:
                continue
            last_column = column
            while (
                last_column + 1 < columns
                and (row, last_column) not in right
                and (row, last_column + 1) not in owner
            ):
                last_column += 1
            across = range(column, last_column + 1)
            last_row = row
            while last_row + 1 < rows and all((last_row, c) not in below for c in across):
                if last_column + 1 < columns and (last_row + 1, last_column) not in right:
                    break
                last_row += 1
            for position in itertools.product(range(row, last_row + 1), across):
                owner.setdefault(position, first)
    groups: dict[Position, list[Position]] = {}
    for position, first in owner.items():
        groups.setdefault(first, []).append(position)
    return groups


def _words_by_cell(
    words: Sequence[Word],
    xs: Sequence[float],
    ys: Sequence[float],
    groups: dict[Position, list[Position]],
) -> dict[Position, list[Word]]:
    first_of = {position: first for first, positions in groups.items() for position in positions}
    found: dict[Position, list[Word]] = {}
    for word in words:
        row = _interval_index(ys, word.midline)
        column = _interval_index(xs, (word.x0 + word.x1) / 2)
        found.setdefault(first_of[row, column], []).append(word)
    return found


def _interval_index(levels: Sequence[float], value: float) -> int:
    index = sum(level <= value for level in levels) - 1
    return min(max(index, 0), len(levels) - 2)


def _cell(positions: Sequence[Position], words: Sequence[Word]) -> GridCell:
    row, column = positions[0]
    height = 1 + max(r for r, _ in positions) - row
    width = 1 + max(c for _, c in positions) - column
    return GridCell(row, column, height, width, [line.words for line in printed_lines(words)])


def _holds_rows(cells: Sequence[GridCell], columns: int) -> bool:
    """True when the cells hold whole rows: most columns of a row hold the same number of lines."""
    by_row: dict[int, list[GridCell]] = {}
    for cell in cells:
        if cell.colspan == 1:
            by_row.setdefault(cell.row, []).append(cell)
    lines = lines_as_rows = 0
    for row in by_row.values():
        counts = [len(cell.lines) for cell in row if cell.lines]
        lines += max(counts, default=0)
        common = max(counts, key=counts.count) if counts else 0
        if (
            len(counts) > 1
            and common >= _MIN_LINES_AS_ROWS
            and counts.count(common) > _SAME_LINE_COUNT_SHARE * len(counts)
        ):
            lines_as_rows += common
    return columns > 1 and lines_as_rows > _ROWS_SHARE * lines


def _without_empty(cells: Sequence[GridCell]) -> tuple[list[GridCell], int, int]:
    """The cells without empty rows and columns, and how many rows and columns are left."""
    full_rows = sorted({cell.row for cell in cells if cell.lines})
    full_columns = sorted({cell.column for cell in cells if cell.lines})
    kept: list[GridCell] = []
    for cell in cells:
        rows = [r for r in full_rows if cell.row <= r < cell.row + cell.rowspan]
        columns = [c for c in full_columns if cell.column <= c < cell.column + cell.colspan]
        if rows and columns:
            row, column = full_rows.index(rows[0]), full_columns.index(columns[0])
            kept.append(GridCell(row, column, len(rows), len(columns), cell.lines))
    return kept, len(full_rows), len(full_columns)
