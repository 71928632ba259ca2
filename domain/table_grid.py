"""The cells of a table on a grid: rows as in HTML, where a spanning cell is listed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.papers import Cell

MAX_SPAN = 1000  # the maximum in HTML, and enough for any page
Rows = Sequence[Sequence[Cell]]


def grid_of(rows: Rows) -> list[list[str]]:
    """Returns the texts by row; all rows have the same length.

    The text of a spanning cell is at its upper left position only, with "" at the others: repeated,
    one printed number would become two.
    """
    placed = list(_placed(rows))
    width = max((column + _width(cell) for _, column, cell in placed), default=0)
    texts = [[""] * width for _ in rows] if width else []
    for row, column, cell in placed:
        texts[row][column] = cell.text
    return texts


def head_rows(rows: Rows) -> int:
    """How many rows at the top have header cells only; 0 if one of these spans a row below."""
    heads = (n for n, row in enumerate(rows) if not all(cell.header for cell in row))
    count = next(heads, 0)
    reach = max((n + cell.rowspan for n in range(count) for cell in rows[n]), default=0)
    return count if reach <= count else 0


def _placed(rows: Rows) -> Iterator[tuple[int, int, Cell]]:
    """Yields row, column and cell for each cell, past the positions that cells above span."""
    taken: set[tuple[int, int]] = set()
    for row, cells in enumerate(rows):
        column = 0
        for cell in cells:
            while (row, column) in taken:
                column += 1
            yield row, column, cell
            for down in range(max(1, min(cell.rowspan, len(rows) - row))):
                taken.update((row + down, column + across) for across in range(_width(cell)))
            column += _width(cell)


def _width(cell: Cell) -> int:
    return max(1, min(cell.colspan, MAX_SPAN))
