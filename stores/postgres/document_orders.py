"""The orders of lists of documents, and the cursors of their pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Integer, Row, Select, Text, func, literal_column, tuple_

from domain.documents import DocumentOrder
from domain.identifiers import DOCUMENT_ID
from stores.postgres.cursors import (
    KeyParser,
    decode_keys,
    decode_offset,
    encode_keys,
    encode_offset,
    name_key,
    number_key,
    text_key,
    time_key,
)
from stores.postgres.schema import AUTHOR_KEY, DOCUMENTS, STATE_RANK


class Order(Protocol):
    """An order of documents and its pages."""

    def page(self, statement: Select[Any], cursor: str | None) -> Select[Any]:
        """Returns the statement for the documents after the cursor. Raises InvalidRequest."""
        ...

    def next_cursor(self, cursor: str | None, rows: Sequence[Row[Any]]) -> str:
        """Returns the cursor behind the rows of the page that began at `cursor`."""
        ...


@dataclass(frozen=True, slots=True)
class ByKeys:
    """An order by unique keys: a change between two pages repeats and skips no other document."""

    keys: tuple[ColumnElement[Any], ...]
    parsers: tuple[KeyParser, ...]
    descending: bool = False

    def page(self, statement: Select[Any], cursor: str | None) -> Select[Any]:
        """Like `Order.page`. Adds the keys to the columns."""
        named = [key.label(f"key_{place}") for place, key in enumerate(self.keys)]
        ordered = statement.add_columns(*named).order_by(
            *(key.desc() if self.descending else key.asc() for key in self.keys)
        )
        if cursor is None:
            return ordered
        key, last = tuple_(*self.keys), tuple_(*decode_keys(cursor, self.parsers))
        return ordered.where(key < last if self.descending else key > last)

    def next_cursor(self, cursor: str | None, rows: Sequence[Row[Any]]) -> str:
        """Like `Order.next_cursor`."""
        return encode_keys(*(rows[-1]._mapping[f"key_{place}"] for place in range(len(self.keys))))


@dataclass(frozen=True, slots=True)
class ByColumn:
    """An order with equal and unknown values: a change between two pages may repeat documents."""

    column: ColumnElement[Any]

    def page(self, statement: Select[Any], cursor: str | None) -> Select[Any]:
        """Like `Order.page`."""
        ordered = statement.order_by(self.column.nulls_last(), DOCUMENTS.c.document_id)
        return ordered.offset(decode_offset(cursor))

    def next_cursor(self, cursor: str | None, rows: Sequence[Row[Any]]) -> str:
        """Like `Order.next_cursor`."""
        return encode_offset(decode_offset(cursor) + len(rows))


TIME, ID = DOCUMENTS.c.created_at, DOCUMENTS.c.document_id
document_key = name_key(DOCUMENT_ID)
FIRST_AUTHOR = literal_column(AUTHOR_KEY, Text())
STATE = literal_column(STATE_RANK, Integer())
ORDERS: Mapping[DocumentOrder, Order] = {
    DocumentOrder.NEWEST: ByKeys((TIME, ID), (time_key, document_key), descending=True),
    DocumentOrder.OLDEST: ByKeys((TIME, ID), (time_key, document_key)),
    DocumentOrder.TITLE: ByColumn(func.fold_text(DOCUMENTS.c.title)),
    DocumentOrder.YEAR: ByColumn(DOCUMENTS.c.year.desc()),
    DocumentOrder.AUTHOR: ByKeys((FIRST_AUTHOR, ID), (text_key, document_key)),
    DocumentOrder.STATE: ByKeys(
        (STATE, TIME, ID), (number_key, time_key, document_key), descending=True
    ),
}
