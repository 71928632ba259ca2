"""Joins the rows of a table over a page break: its header once, and a row that it splits."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from domain.papers import Cell
from extraction.tables.cells import Rows
from extraction.text.clean import join_lines

_MIN_LABELLED_ROWS = 3  # rows with a label each that show that every row has one


def joined_rows(rows: Rows, more: Rows, known: Container[str]) -> Rows:
    """Returns the rows followed by those of the next page, without the repeated header.

    Lines there belong to the row above when they go on in small letters at the page break, or when
    they lack the label that each row of the first page has. `known` are the document's words, for
    hyphens.
    """
    joined = list(rows)
    has_labels = _has_labels(rows)
    for number, row in enumerate(_without_header(rows, more)):
        last = joined[-1] if joined else ()
        is_part = (has_labels and not row[0].text) or (number == 0 and _continues(last, row))
        if is_part and _is_alike(last, row):
            joined[-1] = tuple(_merged(*pair, known) for pair in zip(last, row, strict=True))
        else:
            joined.append(row)
    return tuple(joined)


def _has_labels(rows: Rows) -> bool:
    body = [row for row in rows if not any(cell.header for cell in row)]
    return len(body) >= _MIN_LABELLED_ROWS and all(
        row[0].text and row[0].rowspan == 1 and len(row) > 1 for row in body
    )


def _is_alike(last: Sequence[Cell], row: Sequence[Cell]) -> bool:
    """True when both rows have the same columns, and no cell spans rows."""
    return [cell.colspan for cell in last] == [cell.colspan for cell in row] and all(
        cell.rowspan == 1 for cell in (*last, *row)
    )


def _without_header(rows: Rows, more: Rows) -> Rows:
    count = 0
    for before, row in zip(rows, more, strict=False):
        if _texts(before) != _texts(row):
            break
        count += 1
    return tuple(_as_body(row) for row in more[count:])


def _texts(row: Sequence[Cell]) -> list[str]:
    return ["".join(cell.text.split()).lower() for cell in row]


def _as_body(row: Sequence[Cell]) -> tuple[Cell, ...]:
    """The row as one of the body: a table has its header on its first page."""
    return tuple(replace(cell, header=False) for cell in row)


def _continues(last: Sequence[Cell], row: Sequence[Cell]) -> bool:
    """True when each text of the row begins with a small letter below a text of the last one.

    Fewer cells of the row are filled than of the last one.
    """
    pairs = [(above, below) for above, below in zip(last, row, strict=False) if below.text]
    return 0 < len(pairs) < sum(bool(cell.text) for cell in last) and all(
        above.text and below.text[0].islower() for above, below in pairs
    )


def _merged(above: Cell, below: Cell, known: Container[str]) -> Cell:
    texts = [text for text in (above.text, below.text) if text]
    return replace(above, text=join_lines(texts, known)[0].strip())
