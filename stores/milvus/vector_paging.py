"""All rows of a Milvus query, also where there are more than one answer may hold.

Milvus returns at most 16,384 rows of a query, in no order, and says nothing of the rest. Pages are
ranges of `ordinal`, the place of a chunk in its document: they need neither an order nor an
iterator, whose support of bound values differs between Milvus and Milvus Lite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from stores.milvus.vector_schema import Filter

Row = dict[str, Any]
Ask = Callable[[Filter, int], list[Row]]  # at most so many rows that the filter chooses


def all_rows(ask: Ask, chosen: Filter, most: int) -> list[Row]:
    """Every row that the filter chooses, in no order; one call where there are fewer than `most`.

    What is written meanwhile may be among them or not.
    """
    rows = ask(chosen, most)
    if len(rows) < most:
        return rows
    return [row for page in _pages(ask, chosen, most) for row in page]


def _pages(ask: Ask, chosen: Filter, most: int) -> Iterator[list[Row]]:
    """The rows by ranges of ordinals; a range that is not filled may be the last one."""
    first, step = 0, max(1, most - 1)
    while True:
        found = 0
        for page in _between(ask, chosen, most, first, first + step):
            found += len(page)
            yield page
        first += step
        if found < step and not ask(_place(chosen, first), 1):
            return


def _between(ask: Ask, chosen: Filter, most: int, first: int, end: int) -> Iterator[list[Row]]:
    """The rows from ordinal `first` to before `end`; a range with too many rows is halved."""
    span = _place(chosen, first).where("ordinal < {ordinal_end}", ordinal_end=end)
    rows = ask(span, most)
    if len(rows) < most or end - first == 1:
        yield rows
        return
    middle = (first + end) // 2
    yield from _between(ask, chosen, most, first, middle)
    yield from _between(ask, chosen, most, middle, end)


def _place(chosen: Filter, first: int) -> Filter:
    """What the filter chooses from that ordinal on; the filter itself stays as it is."""
    from_there = Filter([*chosen.conditions], {**chosen.values})
    return from_there.where("ordinal >= {ordinal_first}", ordinal_first=first)
