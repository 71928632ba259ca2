"""ConsistencyQueries on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.consistency import DocumentState
from domain.documents import DocumentStatus
from domain.jobs import Lane, OnDuplicate
from stores.consistency.consistency_queries import REPAIR, ConsistencyQueries
from stores.postgres.database import Database
from tests.stores.postgres import Stores, postgres_stores
from tests.stores.work import DAMAGED, DONE, LEASE, admit, begin, ready, upload


@pytest.fixture
def stores(database: Database) -> Stores:
    return postgres_stores(database)


@pytest.fixture
def audit(database: Database) -> ConsistencyQueries:
    return ConsistencyQueries(database)


async def test_iter_batches_yields_every_document_in_order(
    stores: Stores, audit: ConsistencyQueries
) -> None:
    names = [await ready(stores, upload()) for _ in range(5)]
    await stores.documents.delete(names[2])
    await admit(stores)
    listed: list[DocumentState] = []
    async for batch in audit.iter_batches(size=2):
        assert len(batch) <= 2
        listed += batch
    assert [one.document_id for one in listed] == sorted(one.document_id for one in listed)
    by_name = {one.document_id: one for one in listed}
    assert by_name.keys() > set(names) and len(listed) == 6
    statuses = {name: one.status for name, one in by_name.items()}
    assert statuses.pop(names[2]) is DocumentStatus.DELETED
    assert sorted(statuses.values()) == ["processing", *["ready"] * 4]


async def test_document_state_describes_expected_chunks_and_blobs(
    stores: Stores, audit: ConsistencyQueries
) -> None:
    paper = upload("one")
    name = await ready(stores, paper)
    known = await audit.by_ids([name, "doc_unknown"])
    assert known == {
        name: DocumentState(
            document_id=name,
            collection="papers",
            filename=paper.filename,
            sha256=paper.sha256,
            bytes=paper.bytes,
            status=DocumentStatus.READY,
            version=1,
            chunks=DONE.chunks,
            artifact_key=DONE.artifact_key,
        )
    }
    assert known[name].is_searchable
    assert not replace(known[name], status=DocumentStatus.FAILED).is_searchable


async def test_changed_since_includes_open_and_recent_tasks(
    stores: Stores, audit: ConsistencyQueries
) -> None:
    old = await ready(stores, upload())
    await stores.advance(10)
    since = await audit.now()
    fresh = await ready(stores, upload())
    waiting = await admit(stores)
    assert await audit.changed_since(since) == {fresh, waiting.document_id}
    assert await audit.changed_since(since, [old, fresh]) == {fresh}


async def test_changed_since_includes_recently_failed_tasks(
    stores: Stores, audit: ConsistencyQueries
) -> None:
    since = await audit.now()
    task = await begin(stores)
    await stores.queue.fail(task, DAMAGED)
    assert await audit.changed_since(since) == {task.document_id}
    await stores.advance(10)
    assert await audit.changed_since(await audit.now()) == set()


async def test_shown_chunks_counts_searchable_versions_only(
    stores: Stores, audit: ConsistencyQueries
) -> None:
    assert await audit.shown_chunks() == 0
    names = [await ready(stores, upload()) for _ in range(3)]
    await stores.documents.delete(names[0])
    await begin(stores)
    assert await audit.shown_chunks() == 2 * DONE.chunks


async def test_pdf_is_in_use_while_any_document_has_it(
    stores: Stores, audit: ConsistencyQueries
) -> None:
    paper = upload()
    names = [(await admit(stores, paper, collection=name)).document_id for name in ("a", "b")]
    assert await audit.in_use([paper.sha256, "0" * 64]) == {paper.sha256}
    await stores.documents.delete(names[0])
    assert await audit.in_use([paper.sha256]) == {paper.sha256}
    await stores.documents.delete(names[1])
    assert await audit.in_use([paper.sha256]) == set()


async def test_stuck_lists_tasks_with_long_expired_lease(
    stores: Stores, audit: ConsistencyQueries
) -> None:
    task = await begin(stores)
    await stores.advance(LEASE + 50)
    assert await audit.stuck(60) == []
    await stores.advance(20)
    [stuck] = await audit.stuck(60)
    assert (stuck.task_id, stuck.filename) == (task.task_id, task.filename)
    assert stuck.silent_seconds > 60
    assert await stores.queue.sweep() == 1
    assert await audit.stuck(60) == []


async def test_repaired_lists_documents_of_repair_jobs(
    stores: Stores, audit: ConsistencyQueries
) -> None:
    paper, other = upload(), upload()
    name, also = await ready(stores, paper), await ready(stores, other)
    await admit(stores, other, on_duplicate=OnDuplicate.REPROCESS)
    await stores.jobs.admit(
        "papers", [paper], kind=REPAIR, lane=Lane.BULK, on_duplicate=OnDuplicate.REPROCESS
    )
    assert await audit.repaired([name, also]) == {name}
    assert await audit.repaired([also]) == set()
