"""Reads all rows of a Milvus query, beyond the limit of rows per response.

Milvus returns at most 16,384 rows of a query, unordered, and silently drops the rest. Pages are
ranges of `ordinal`, the position of a chunk in its document. They need neither an order nor an
iterator; iterators differ between Milvus and Milvus Lite in their support of filter parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from stores.milvus.vector_schema import Filter

Row = dict[str, Any]
Query = Callable[[Filter, int], list[Row]]  # (filter, limit) -> rows


def all_rows(query: Query, condition: Filter, limit: int) -> list[Row]:
    """Returns every row that matches the filter, unordered.

    `limit` is the number of rows per response; fewer matching rows need one call only. Rows that
    are written during the call may be missing.
    """
    rows = query(condition, limit)
    if len(rows) < limit:
        return rows
    return [row for page in _pages(query, condition, limit) for row in page]


def _pages(query: Query, condition: Filter, limit: int) -> Iterator[list[Row]]:
    """Yields the rows by ranges of ordinals, until no row has a higher ordinal."""
    first, step = 0, max(1, limit - 1)
    while True:
        found = 0
        for page in _range(query, condition, limit, first, first + step):
            found += len(page)
            yield page
        first += step
        if found < step and not query(_from_ordinal(condition, first), 1):
            return


def _range(
    query: Query, condition: Filter, limit: int, first: int, end: int
) -> Iterator[list[Row]]:
    """Yields the rows with ordinals in [first, end); halves a range with too many rows."""
    bounded = _from_ordinal(condition, first).where("ordinal < {ordinal_end}", ordinal_end=end)
    rows = query(bounded, limit)
    if len(rows) < limit or end - first == 1:
        yield rows
        return
    middle = (first + end) // 2
    yield from _range(query, condition, limit, first, middle)
    yield from _range(query, condition, limit, middle, end)


def _from_ordinal(condition: Filter, first: int) -> Filter:
    """Returns a copy of the filter, restricted to ordinals from `first`."""
    copy = Filter([*condition.conditions], {**condition.values})
    return copy.where("ordinal >= {ordinal_first}", ordinal_first=first)
