"""Exports a table as CSV, HTML and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from domain.papers import Cell, Figure, Table
from domain.table_grid import MAX_SPAN, grid_of, head_rows
from extraction.export.escape import for_csv, for_html, for_markdown, printable


def grid(table: Table) -> list[list[str]]:
    """Returns the printable texts of the table by row, as `grid_of` places them."""
    return [[printable(text) for text in row] for row in grid_of(table.rows)]


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
    head = head_rows(table.rows)
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
    if spans or head_rows(table.rows) > 1:
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
        spans += f' colspan="{min(cell.colspan, MAX_SPAN)}"'
    if cell.rowspan > 1:
        spans += f' rowspan="{min(cell.rowspan, rows_left)}"'
    return f"<{tag}{spans}>{for_html(cell.text)}</{tag}>"
