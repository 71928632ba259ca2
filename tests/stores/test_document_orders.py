"""Documents by their first author and by their state: ties, unknown values, pages, indexes."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql

from domain.documents import STATE_ORDER, DocumentOrder
from domain.errors import InvalidRequest
from domain.papers import Author
from stores.postgres.database import Database
from stores.postgres.document_orders import ORDERS
from stores.postgres.schema import DOCUMENTS
from tests.stores.postgres import Stores
from tests.stores.work import DAMAGED, admit, begin, ready, upload


async def listed(stores: Stores, order: DocumentOrder, cursor: str | None = None) -> list[str]:
    """Returns the ids of the documents behind the cursor, read in pages of two."""
    page = await stores.documents.list(order=order, cursor=cursor, limit=2)
    ids = [one.document_id for one in page.items]
    return ids + (await listed(stores, order, page.next_cursor) if page.next_cursor else [])


async def by_authors(stores: Stores, *authors: Author | None) -> list[str]:
    """Returns the ids of new documents with these first authors, None for one without authors."""
    names = [await ready(stores, upload()) for _ in authors]
    for name, author in zip(names, authors, strict=True):
        if author is not None:
            await stores.documents.correct(name, {"authors": [asdict(author)]}, ())
    return names


async def test_documents_by_author_have_ties_by_id_and_unknown_authors_last(
    stores: Stores,
) -> None:
    long = "Van der Waals " * 9
    authors = (
        None,
        Author("Ada Zuse", "Ada", "Zuse"),
        Author("The Ions Collaboration"),
        Author("Søren Ångström", "Søren", "Ångström"),
        Author("Ada Zuse", "Ada", "Zuse"),
        Author(f"Eva {long}", "Eva", long),
        Author("", None, None),
        Author("Konrad Zuse", "Konrad", "Zuse"),
        Author("\u4e2d\u6587 | name"),
        None,
    )
    names = await by_authors(stores, *authors)
    none, ada, group, soren, ada_too, van, empty, konrad, chinese, none_too = names
    ties = [*sorted((ada, ada_too)), konrad]
    unknown = sorted((none, empty, none_too))
    expected = [soren, group, van, *ties, chinese, *unknown]
    assert await listed(stores, DocumentOrder.AUTHOR) == expected


async def test_documents_by_state_begin_with_what_needs_attention(stores: Stores) -> None:
    done = [await ready(stores, upload()) for _ in range(3)]
    failed = [(await begin(stores)) for _ in range(2)]
    for task in failed:
        await stores.queue.fail(task, DAMAGED)
    cancelled = await admit(stores)
    await stores.job_control.cancel(cancelled.job_id)
    waiting = [(await admit(stores)).document_id for _ in range(2)]
    states = [*[task.document_id for task in failed[::-1]], cancelled.document_id]
    expected = [*states, *waiting[::-1], *done[::-1]]
    assert await listed(stores, DocumentOrder.STATE) == expected
    assert {(await stores.documents.get(name)).status for name in expected} == set(STATE_ORDER)


@pytest.mark.parametrize("order", [DocumentOrder.AUTHOR, DocumentOrder.STATE])
async def test_changes_between_two_pages_skip_and_repeat_no_other_document(
    stores: Stores, order: DocumentOrder
) -> None:
    await by_authors(stores, *(Author(f"Author {letter}") for letter in "abcdef"))
    expected = await listed(stores, order)
    page = await stores.documents.list(order=order, limit=3)
    assert [one.document_id for one in page.items] == expected[:3]
    for gone in (expected[0], expected[2], expected[4]):
        await stores.documents.delete(gone)
    await by_authors(stores, Author("A"))  # before the cursor
    assert page.next_cursor
    assert await listed(stores, order, page.next_cursor) == [expected[3], expected[5]]


@pytest.mark.parametrize(
    ("order", "other"),
    [(DocumentOrder.AUTHOR, DocumentOrder.STATE), (DocumentOrder.STATE, DocumentOrder.AUTHOR)],
)
async def test_cursor_of_another_order_is_rejected_or_answered(
    stores: Stores, order: DocumentOrder, other: DocumentOrder
) -> None:
    await by_authors(stores, Author("A"), Author("B"))
    page = await stores.documents.list(order=order, limit=1)
    if order is DocumentOrder.AUTHOR:
        with pytest.raises(InvalidRequest, match="next_cursor"):
            await stores.documents.list(order=other, cursor=page.next_cursor)
    else:  # any text is a place among the authors
        await stores.documents.list(order=other, cursor=page.next_cursor)


@pytest.mark.parametrize("order", [DocumentOrder.AUTHOR, DocumentOrder.STATE])
async def test_pages_by_author_and_by_state_use_an_index(
    database: Database, order: DocumentOrder
) -> None:
    keys = ORDERS[order].page(select(DOCUMENTS), None).limit(50)
    plan_of = keys.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    async with database.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = (await connection.execute(text(f"EXPLAIN {plan_of}"))).scalars().all()
    assert "Index Scan" in "\n".join(plan) and "Sort" not in "\n".join(plan)
