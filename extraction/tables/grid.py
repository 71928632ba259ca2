"""The cells of a table whose ruling lines stand around each of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from extraction.tables.frame import Rect, Rule
from extraction.tables.glyphs import Word
from extraction.tables.headers import Placed
from extraction.tables.table_columns import Printed, printed_lines

Place = tuple[int, int]


def grid_cells(
    words: Sequence[Word], rect: Rect, across: Sequence[Rule], down: Sequence[Rule]
) -> tuple[list[Placed], int, int] | None:
    """The cells, and how many rows and columns they make; None where lines don't part them."""
    xs = _levels([rule.x for rule in down], rect[0], rect[2])
    ys = _levels([rule.y for rule in across], rect[1], rect[3])
    if len(xs) < 3 or len(ys) < 3 or len(xs) * len(ys) > 20_000:
        return None
    walls_down, walls_right = _walls(xs, ys, across, down)
    inner = (len(ys) - 1) * (len(xs) - 2)
    if len(walls_right) < 0.55 * inner:
        return None
    groups = _rooms(len(ys) - 1, len(xs) - 1, walls_down, walls_right)
    held = _held(words, xs, ys, groups)
    cells = [_cell(places, held.get(places[0], [])) for places in groups.values()]
    cells = [cell for cell in cells if cell is not None]
    if _holds_rows(cells, len(xs) - 1) or not words:
        return None
    return _packed(cells, len(ys) - 1, len(xs) - 1)


def _levels(values: Sequence[float], low: float, high: float) -> list[float]:
    levels: list[float] = []
    for value in sorted(v for v in values if low - 4 < v < high + 4):
        if not levels or value - levels[-1] > 3.5:
            levels.append(value)
    if not levels or levels[0] > low + 6:
        levels.insert(0, low)
    if levels[-1] < high - 6:
        levels.append(high)
    return levels


def _walls(
    xs: Sequence[float], ys: Sequence[float], across: Sequence[Rule], down: Sequence[Rule]
) -> tuple[set[Place], set[Place]]:
    """The places with a line below them, and those with one at their right."""
    below: set[Place] = set()
    right: set[Place] = set()
    for row, y in enumerate(ys[1:-1]):
        for rule in (rule for rule in across if abs(rule.y - y) < 3.5):
            for column, (x0, x1) in enumerate(itertools.pairwise(xs)):
                if min(rule.x1, x1) - max(rule.x0, x0) > 0.6 * (x1 - x0):
                    below.add((row, column))
    for column, x in enumerate(xs[1:-1]):
        for rule in (rule for rule in down if abs(rule.x - x) < 3.5):
            for row, (y0, y1) in enumerate(itertools.pairwise(ys)):
                if min(rule.y1, y1) - max(rule.y0, y0) > 0.6 * (y1 - y0):
                    right.add((row, column))
    return below, right


def _rooms(
    rows: int, columns: int, below: set[Place], right: set[Place]
) -> dict[Place, list[Place]]:
    """Places without a line between them, by the first of each room."""
    owner: dict[Place, Place] = {}
    for row in range(rows):
        for column in range(columns):
            here = (row, column)
            if here in owner:
                continue
            wide = column
            while wide + 1 < columns and (row, wide) not in right and (row, wide + 1) not in owner:
                wide += 1
            deep = row
            while deep + 1 < rows and all((deep, c) not in below for c in range(column, wide + 1)):
                if wide + 1 < columns and (deep + 1, wide) not in right:
                    break
                deep += 1
            for r in range(row, deep + 1):
                for c in range(column, wide + 1):
                    owner.setdefault((r, c), here)
    rooms: dict[Place, list[Place]] = {}
    for place, first in owner.items():
        rooms.setdefault(first, []).append(place)
    return rooms


def _held(
    words: Sequence[Word], xs: Sequence[float], ys: Sequence[float], rooms: dict[Place, list[Place]]
) -> dict[Place, list[Word]]:
    first = {place: room for room, places in rooms.items() for place in places}
    held: dict[Place, list[Word]] = {}
    for word in words:
        row = _slot(ys, word.base - 0.3 * word.size)
        column = _slot(xs, (word.x0 + word.x1) / 2)
        held.setdefault(first[row, column], []).append(word)
    return held


def _slot(levels: Sequence[float], value: float) -> int:
    inside = sum(level <= value for level in levels) - 1
    return min(max(inside, 0), len(levels) - 2)


def _cell(places: Sequence[Place], words: Sequence[Word]) -> Placed | None:
    row, column = places[0]
    last_row, last_column = max(r for r, _ in places), max(c for _, c in places)
    lines: list[Printed] = printed_lines(words) if words else []
    return Placed(
        row,
        column,
        last_row - row + 1,
        last_column - column + 1,
        [line.words for line in lines],
    )


def _holds_rows(cells: Sequence[Placed], columns: int) -> bool:
    """True when the rooms hold whole rows: most columns of a row hold as many lines, all numbers
    or short."""
    by_row: dict[int, list[Placed]] = {}
    for cell in cells:
        if cell.colspan == 1:
            by_row.setdefault(cell.row, []).append(cell)
    lines = tall = 0
    for row in by_row.values():
        counts = [len(cell.lines) for cell in row if cell.lines]
        lines += max(counts, default=0)
        common = max(counts, key=counts.count) if counts else 0
        if len(counts) > 1 and common > 2 and counts.count(common) > 0.6 * len(counts):
            tall += common
    return columns > 1 and tall > 0.5 * lines


def _packed(cells: Sequence[Placed], rows: int, columns: int) -> tuple[list[Placed], int, int]:
    """The cells without rows and columns that hold nothing."""
    full_rows = sorted({cell.row for cell in cells if cell.lines})
    full_columns = sorted({cell.column for cell in cells if cell.lines})
    packed: list[Placed] = []
    for cell in cells:
        rs = [r for r in full_rows if cell.row <= r < cell.row + cell.rowspan]
        cs = [c for c in full_columns if cell.column <= c < cell.column + cell.colspan]
        if rs and cs:
            packed.append(
                Placed(
                    full_rows.index(rs[0]), full_columns.index(cs[0]), len(rs), len(cs), cell.lines
                )
            )
    return packed, len(full_rows), len(full_columns)
