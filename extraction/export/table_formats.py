"""Exports a table as CSV, HTML and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from domain.papers import Cell, Figure, Table
from extraction.export.escape import for_csv, for_html, for_markdown, printable

_MAX_SPAN = 1000  # the maximum in HTML, and enough for any page


def grid(table: Table) -> list[list[str]]:
    """Returns the texts of the table by row; all rows have the same length.

    The text of a spanning cell is at its upper left position only, with "" at the others: repeated,
    one printed number would become two.
    """
    placed = list(_placed(table.rows))
    width = max((column + _width(cell) for _, column, cell in placed), default=0)
    texts = [[""] * width for _ in table.rows] if width else []
    for row, column, cell in placed:
        texts[row][column] = printable(cell.text)
    return texts


def full_caption(captioned: Table | Figure) -> str:
    """Returns label and caption, "" if there are none."""
    return " ".join(filter(None, (captioned.label, captioned.caption)))


def to_csv(table: Table) -> str:
    """Returns the table as CSV (RFC 4180) with CRLF line ends.

    Positions covered by a spanning cell are empty. Cells that a spreadsheet would run as a formula
    begin with an apostrophe.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerows([for_csv(text) for text in row] for row in grid(table))
    return written.getvalue()


def to_html(table: Table) -> str:
    """Returns a <table> with caption, spans, <th> for header cells and the notes in its <tfoot>.

    All text is escaped.
    """
    head = _head_rows(table.rows)
    parts = ["<table>"]
    if caption := full_caption(table):
        parts.append(f"<caption>{for_html(caption)}</caption>")
    if head:
        parts += ["<thead>", *_html_rows(table.rows, 0, head), "</thead>"]
    parts += ["<tbody>", *_html_rows(table.rows, head, len(table.rows)), "</tbody>"]
    if table.notes:
        width = max((len(row) for row in grid(table)), default=1)
        notes = for_html(table.notes)
        parts.append(f'<tfoot><tr><td colspan="{width}">{notes}</td></tr></tfoot>')
    parts.append("</table>")
    return "\n".join(parts)


def to_markdown(table: Table) -> str:
    """Returns the cells as a GitHub table, or as HTML for spans and several header rows.

    A GitHub table has no caption and no notes. The result is "" for a table without cells.
    """
    rows = grid(table)
    if not rows:
        return ""
    spans = any(cell.rowspan > 1 or cell.colspan > 1 for row in table.rows for cell in row)
    if spans or _head_rows(table.rows) > 1:
        return to_html(table)
    has_head = any(cell.header for cell in table.rows[0])
    head = rows[0] if has_head else [""] * len(rows[0])
    body = rows[1:] if has_head else rows
    return "\n".join([_pipes(head), "|" + " --- |" * len(head), *map(_pipes, body)])


def _pipes(row: Sequence[str]) -> str:
    return "| " + " | ".join(for_markdown(text) for text in row) + " |"


def _html_rows(rows: Sequence[Sequence[Cell]], start: int, end: int) -> Iterator[str]:
    for number in range(start, end):
        cells = "".join(_html_cell(cell, end - number) for cell in rows[number])
        yield f"<tr>{cells}</tr>"


def _html_cell(cell: Cell, rows_left: int) -> str:
    tag = "th" if cell.header else "td"
    spans = ""
    if cell.colspan > 1:
        spans += f' colspan="{min(cell.colspan, _MAX_SPAN)}"'
    if cell.rowspan > 1:
        spans += f' rowspan="{min(cell.rowspan, rows_left)}"'
    return f"<{tag}{spans}>{for_html(cell.text)}</{tag}>"


def _head_rows(rows: Sequence[Sequence[Cell]]) -> int:
    """How many rows at the top have header cells only; 0 if one of these spans a row below."""
    heads = (n for n, row in enumerate(rows) if not all(cell.header for cell in row))
    count = next(heads, 0)
    reach = max((n + cell.rowspan for n in range(count) for cell in rows[n]), default=0)
    return count if reach <= count else 0


def _placed(rows: Sequence[Sequence[Cell]]) -> Iterator[tuple[int, int, Cell]]:
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
    return max(1, min(cell.colspan, _MAX_SPAN))
