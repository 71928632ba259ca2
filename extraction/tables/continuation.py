"""Joins the rows of a table over a page break: its header once, and a row that it splits."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from domain.papers import Cell
from extraction.tables.cells import Rows
from extraction.text.clean import join_lines


def joined_rows(rows: Rows, more: Rows, known: Container[str]) -> Rows:
    """Returns the rows followed by those of the next page, without the repeated header.

    A first row there that goes on in small letters below the cells of the last row belongs to it;
    `known` are the document's words, for hyphens.
    """
    following = _without_header(rows, more)
    if rows and following and _continues(rows[-1], following[0]):
        row = tuple(_merged(*pair, known) for pair in zip(rows[-1], following[0], strict=True))
        return (*rows[:-1], row, *following[1:])
    return (*rows, *following)


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
    if [cell.colspan for cell in last] != [cell.colspan for cell in row]:
        return False
    pairs = [(above, below) for above, below in zip(last, row, strict=True) if below.text]
    return 0 < len(pairs) < sum(bool(cell.text) for cell in last) and all(
        above.text and below.text[0].islower() and above.rowspan == below.rowspan == 1
        for above, below in pairs
    )


def _merged(above: Cell, below: Cell, known: Container[str]) -> Cell:
    texts = [text for text in (above.text, below.text) if text]
    return replace(above, text=join_lines(texts, known)[0].strip())
