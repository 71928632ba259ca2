"""Collections as resources, and their quotas under concurrent uploads."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import Conflict, QuotaExceeded, UnknownCollection
from domain.jobs import Upload
from stores.postgres.collection_store import CollectionStore
from stores.postgres.database import Database
from stores.postgres.document_store import CollectionSummary, DocumentStore
from stores.postgres.job_store import JobStore
from tests.stores.work import upload

NAME = "physics"


@pytest.fixture
def collections(database: Database) -> CollectionStore:
    return CollectionStore(database)


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database)


async def summary(database: Database, name: str = NAME) -> CollectionSummary:
    [found] = await DocumentStore(database).collections(name)
    return found


async def test_collection_is_created_described_and_changed(
    database: Database, collections: CollectionStore
) -> None:
    await collections.create(NAME, {"description": "of lasers", "max_papers": 2})
    created = await summary(database)
    assert (created.documents, created.bytes, created.description) == (0, 0, "of lasers")
    assert (created.max_papers, created.max_bytes) == (2, None)
    with pytest.raises(Conflict):
        await collections.create(NAME, {})
    await collections.change(NAME, {"max_papers": None, "max_bytes": 10})
    changed = await summary(database)
    assert (changed.description, changed.max_papers, changed.max_bytes) == ("of lasers", None, 10)
    with pytest.raises(UnknownCollection):
        await collections.change("unknown", {"max_papers": 1})
    assert await DocumentStore(database).collections("unknown") == []


async def test_deleted_collection_loses_its_settings(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    await collections.create(NAME, {"description": "old", "max_papers": 1})
    await DocumentStore(database).delete_collection(NAME)
    with pytest.raises(UnknownCollection):
        await collections.change(NAME, {"max_papers": 1})
    await jobs.admit(NAME, [upload(), upload()])
    assert (await summary(database)).max_papers is None
    await DocumentStore(database).delete_collection(NAME)
    await collections.create(NAME, {})
    assert (await summary(database)).description == ""


async def test_upload_beyond_the_quota_keeps_nothing(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    first, second, third = upload(), upload(), upload()
    await collections.create(NAME, {"max_papers": 2})
    await jobs.admit(NAME, [first])
    with pytest.raises(QuotaExceeded, match="may have 2 papers"):
        await jobs.admit(NAME, [second, third])
    assert (await summary(database)).documents == 1
    assert len((await jobs.jobs(collection=NAME)).items) == 1
    await jobs.admit(NAME, [second])
    for again in (first, second):  # duplicates add nothing
        [admitted] = await jobs.admit(NAME, [again])
        assert admitted.duplicate_of == admitted.document_id
    await jobs.admit("other", [third])


async def test_quota_of_bytes_counts_what_is_not_deleted(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    first, second = upload(), upload()
    await collections.create(NAME, {"max_bytes": first.bytes})
    [admitted] = await jobs.admit(NAME, [first])
    with pytest.raises(QuotaExceeded, match="bytes"):
        await jobs.admit(NAME, [second])
    await DocumentStore(database).delete(admitted.document_id)
    [other] = await jobs.admit(NAME, [second])
    with pytest.raises(QuotaExceeded):
        await jobs.admit(NAME, [first])  # restores a deleted document
    await DocumentStore(database).delete(other.document_id)
    await jobs.admit(NAME, [first])


async def test_lowered_quota_does_not_stop_accepted_papers(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    admitted = await jobs.admit(NAME, [upload(), upload()])
    await collections.change(NAME, {"max_papers": 1})
    documents = DocumentStore(database)
    await documents.correct(admitted[0].document_id, {"title": "New"}, ())
    await documents.delete(admitted[1].document_id)
    assert (await summary(database)).documents == 1


async def test_full_collection_reads_its_papers_again(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    paper = upload()
    (first,) = await jobs.admit(NAME, [paper])
    await collections.change(NAME, {"max_papers": 0, "max_bytes": 0})
    (again,) = await JobStore(database).admit(NAME, [paper], known_only=True)
    assert again.document_id == first.document_id
    with pytest.raises(QuotaExceeded):
        await JobStore(database).admit(NAME, [paper, upload()])


async def test_parallel_uploads_do_not_exceed_the_quota_together(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    await collections.create(NAME, {"max_papers": 5})

    async def admit(one: Upload) -> bool:
        try:
            await jobs.admit(NAME, [one])
        except QuotaExceeded:
            return False
        return True

    admitted = await asyncio.gather(*(admit(upload()) for _ in range(20)))
    assert sum(admitted) == 5
    assert (await summary(database)).documents == 5
