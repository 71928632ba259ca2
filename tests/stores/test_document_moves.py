"""Moves of documents to other collections. Same tests on both stores."""

from __future__ import annotations

import asyncio

import pytest

from domain.deletions import VersionRange
from domain.documents import DocumentStatus
from domain.errors import Conflict, NotFound, QuotaExceeded
from domain.jobs import JobStatus
from stores.postgres.collection_store import CollectionStore
from stores.postgres.database import Database
from stores.postgres.document_store import DocumentStore
from stores.postgres.job_store import JobStore
from tests.stores.postgres import Stores
from tests.stores.work import DONE, admit, begin, claim_one, ready, task_now, upload


async def test_move_replaces_document_and_keeps_what_a_person_has_set(stores: Stores) -> None:
    paper = upload(filename="mice.pdf")
    former = await ready(stores, paper)
    await stores.documents.correct(former, {"year": 1901}, set(), tags=["to read"])
    document = await stores.documents.get(former)
    moved = await stores.jobs.move(document, "others")
    with pytest.raises(NotFound):
        await stores.documents.get(former)
    new = await stores.documents.get(moved.document_id)
    assert (new.collection, new.sha256, new.filename) == ("others", paper.sha256, "mice.pdf")
    assert (new.title, new.year, new.tags) == ("A title", 1901, ("to read",))
    assert new.status == DocumentStatus.PROCESSING
    await stores.queue.finish(await claim_one(stores), DONE)
    read = await stores.documents.get(moved.document_id)
    assert (read.status, read.title, read.year) == (DocumentStatus.READY, "A title", 1901)
    job = await stores.jobs.job(moved.job_id)
    assert (job.kind, job.status) == ("move", JobStatus.COMPLETED)


async def test_move_erases_passages_of_former_document(stores: Stores) -> None:
    former = await ready(stores, upload())
    await stores.jobs.move(await stores.documents.get(former), "others")
    [due] = await stores.deletions.claim(10, hide_seconds=60)
    assert due.versions == VersionRange(former, 0, 1)
    assert await stores.deletions.pdfs_in_use([due.sha256 or ""]) == {due.sha256}


async def test_move_to_collection_with_same_bytes_changes_nothing(stores: Stores) -> None:
    paper = upload()
    one = await admit(stores, paper, collection="one")
    two = await admit(stores, paper, collection="two")
    document = await stores.documents.get(one.document_id)
    with pytest.raises(Conflict, match=two.document_id):
        await stores.jobs.move(document, "two")
    assert await stores.documents.get(one.document_id) == document


async def test_move_back_and_forth_opens_new_versions(stores: Stores) -> None:
    former = await ready(stores, upload())
    away = await stores.jobs.move(await stores.documents.get(former), "others")
    back = await stores.jobs.move(await stores.documents.get(away.document_id), "papers")
    assert back.document_id == former
    again = await stores.documents.get(former)
    assert (again.status, again.version) == (DocumentStatus.PROCESSING, 2)


async def test_move_cancels_the_reading_of_the_former_document(stores: Stores) -> None:
    task = await begin(stores)
    await stores.jobs.move(await stores.documents.get(task.document_id), "others")
    assert (await task_now(stores, task)).status == "cancelled"


async def test_moved_document_cannot_be_moved_again(stores: Stores) -> None:
    document = await stores.documents.get(await ready(stores, upload()))
    await stores.jobs.move(document, "others")
    with pytest.raises(NotFound):
        await stores.jobs.move(document, "elsewhere")


async def test_quota_of_target_refuses_the_move(database: Database) -> None:
    jobs, documents = JobStore(database), DocumentStore(database)
    await CollectionStore(database).create("small", {"max_papers": 0})
    (admission,) = await jobs.admit("papers", [upload()])
    document = await documents.get(admission.document_id)
    with pytest.raises(QuotaExceeded):
        await jobs.move(document, "small")
    assert await documents.get(admission.document_id) == document


async def test_opposite_moves_at_the_same_time_both_succeed(database: Database) -> None:
    jobs, documents = JobStore(database), DocumentStore(database)
    for _ in range(5):
        papers = [upload() for _ in range(4)]
        there = await jobs.admit("one", papers[:2])
        here = await jobs.admit("two", papers[2:])
        away = [await documents.get(one.document_id) for one in there]
        back = [await documents.get(one.document_id) for one in here]
        moved = await asyncio.gather(
            *(jobs.move(document, "two") for document in away),
            *(jobs.move(document, "one") for document in back),
        )
        found = [(await documents.get(one.document_id)).collection for one in moved]
        assert found == ["two", "two", "one", "one"]
