"""Documents and collections: what is here, what is deleted, what searches may show."""

from __future__ import annotations

import pytest

from domain.documents import DocumentStatus, document_id
from domain.errors import LeaseLost, NotFound
from domain.jobs import JobStatus, OnDuplicate, TaskStatus
from tests.stores.postgres import Stores
from tests.stores.work import (
    DAMAGED,
    DONE,
    admit,
    begin,
    claim,
    claim_one,
    ready,
    task_now,
    upload,
)


async def test_an_unknown_document_is_not_found(stores: Stores) -> None:
    with pytest.raises(NotFound):
        await stores.documents.get("doc_unknown")
    with pytest.raises(NotFound):
        await stores.documents.delete("doc_unknown")
    assert await stores.documents.artifact_key("doc_unknown") is None


async def test_the_id_follows_from_collection_and_bytes(stores: Stores) -> None:
    paper = upload()
    admission = await admit(stores, paper, collection="ours")
    assert admission.document_id == document_id("ours", paper.sha256)


async def test_active_documents_by_id(stores: Stores) -> None:
    kept, gone = await ready(stores, upload()), await ready(stores, upload())
    await stores.documents.delete(gone)
    found = await stores.documents.active([kept, gone, "doc_unknown"])
    assert set(found) == {kept} and found[kept].version == 1
    assert await stores.documents.active([]) == {}


async def test_deleting_leaves_a_tombstone(stores: Stores) -> None:
    name = await ready(stores, upload())
    assert await stores.documents.delete(name) is True
    with pytest.raises(NotFound):
        await stores.documents.get(name)
    with pytest.raises(NotFound):
        await stores.documents.delete(name)
    assert await stores.documents.artifact_key(name) is None
    assert (await stores.documents.list()).items == []


async def test_deleting_says_whether_the_bytes_are_used_elsewhere(stores: Stores) -> None:
    paper = upload()
    one = await admit(stores, paper, collection="one")
    two = await admit(stores, paper, collection="two")
    assert await stores.documents.delete(one.document_id) is False
    assert await stores.documents.delete(two.document_id) is True


@pytest.mark.parametrize("at_work", [True, False])
async def test_deleting_cancels_open_tasks_and_closes_the_job(
    stores: Stores, at_work: bool
) -> None:
    admission = await admit(stores)
    claimed = await claim(stores) if at_work else []
    await stores.documents.delete(admission.document_id)
    task = await task_now(stores, admission)
    assert task.status == TaskStatus.CANCELLED
    assert task.finished_at and task.lease_expires_at is None
    assert (await stores.jobs.job(admission.job_id)).status == JobStatus.CANCELLED
    assert await claim(stores) == []
    for lost in claimed:
        with pytest.raises(LeaseLost):
            await stores.queue.finish(lost, DONE)


async def test_deleting_leaves_ended_tasks_alone(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, DONE)
    await stores.documents.delete(task.document_id)
    assert (await task_now(stores, task)).status == TaskStatus.COMPLETED
    assert (await stores.jobs.job(task.job_id)).status == JobStatus.COMPLETED


async def test_a_late_worker_cannot_publish_into_a_revived_document(stores: Stores) -> None:
    paper = upload()
    late = await begin(stores, paper)
    await stores.documents.delete(late.document_id)
    await admit(stores, paper)
    with pytest.raises(LeaseLost):
        await stores.queue.finish(late, DONE)
    document = await stores.documents.get(late.document_id)
    assert (document.version, document.status) == (2, DocumentStatus.PROCESSING)
    assert document.title is None
    await stores.queue.finish(await claim_one(stores), DONE)
    assert (await stores.documents.get(late.document_id)).version == 2


async def test_versions_keep_growing_through_deaths(stores: Stores) -> None:
    paper = upload()
    versions = []
    for _ in range(3):
        name = await ready(stores, paper)
        versions.append((await stores.documents.get(name)).version)
        await stores.documents.delete(name)
    assert versions == [1, 2, 3]


async def test_pages_of_documents_hold_every_document_once_newest_first(stores: Stores) -> None:
    admitted = await stores.jobs.admit("papers", [upload() for _ in range(8)])
    seen, cursor = [], None
    while True:
        page = await stores.documents.list(cursor=cursor, limit=3)
        seen += [document.document_id for document in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(one.document_id for one in admitted)
    assert len(seen) == 8


async def test_documents_come_newest_first(stores: Stores) -> None:
    names = [(await admit(stores)).document_id for _ in range(3)]
    listed = [document.document_id for document in (await stores.documents.list()).items]
    assert listed == names[::-1]


async def test_documents_by_collection_and_status(stores: Stores) -> None:
    name = await ready(stores, upload())
    bad = await begin(stores)
    await stores.queue.fail(bad, DAMAGED)
    other = await admit(stores, collection="other")

    async def ids(collection: str | None = None, status: DocumentStatus | None = None) -> list[str]:
        page = await stores.documents.list(collection=collection, status=status)
        return [document.document_id for document in page.items]

    assert await ids(collection="other") == [other.document_id]
    assert await ids(status=DocumentStatus.READY) == [name]
    assert await ids(status=DocumentStatus.FAILED) == [bad.document_id]
    assert await ids(collection="papers", status=DocumentStatus.PROCESSING) == []


async def test_collections_are_made_by_their_first_upload(stores: Stores) -> None:
    assert await stores.documents.collections() == []
    assert not await stores.documents.has_collection("b")
    gone = await admit(stores, collection="b")
    await stores.jobs.admit("a", [upload(), upload()])
    await stores.documents.delete(gone.document_id)
    found = await stores.documents.collections()
    assert [(one.name, one.documents) for one in found] == [("a", 2), ("b", 0)]
    assert all(one.created_at for one in found)
    assert await stores.documents.has_collection("b")


async def test_a_version_is_wanted_while_it_is_shown_or_awaited(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    assert [await stores.documents.wants(name, version) for version in (1, 2, 3)] == [
        True,
        True,
        False,
    ]
    await stores.documents.delete(name)
    assert not await stores.documents.wants(name, 1)
    assert not await stores.documents.wants("doc_unknown", 1)
