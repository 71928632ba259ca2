"""Collections as resources, and their quotas under concurrent uploads."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import CollectionRenamed, Conflict, QuotaExceeded, UnknownCollection
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


async def test_renamed_collection_keeps_its_id_and_its_papers(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    paper = upload()
    [admitted] = await jobs.admit(NAME, [paper])
    await collections.change(NAME, {"name": "optics", "description": "of light"})
    renamed = await summary(database)
    assert (renamed.collection_id, renamed.name, renamed.documents) == (NAME, "optics", 1)
    names = await collections.names()
    assert (names.name_of(NAME), names.id_of("optics"), names.id_of(NAME)) == ("optics", NAME, NAME)
    [again] = await jobs.admit(names.id_of("optics"), [paper])
    assert again.duplicate_of == admitted.document_id
    await collections.change(NAME, {"name": NAME})
    assert (await collections.names()).by_id == {}
    assert (await summary(database)).name == NAME


async def test_name_of_another_collection_is_refused(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    await collections.create(NAME, {})
    await jobs.admit("other", [upload()])
    with pytest.raises(Conflict, match="'other' already"):
        await collections.change(NAME, {"name": "other"})
    await collections.change(NAME, {"name": "optics"})
    with pytest.raises(Conflict, match="'optics' already"):
        await collections.create("optics", {})
    with pytest.raises(Conflict, match="first name of the collection 'optics'"):
        await collections.create(NAME, {})
    with pytest.raises(Conflict, match="first name of the collection 'optics'"):
        await collections.change("other", {"name": NAME})
    with pytest.raises(UnknownCollection):
        await collections.change("unknown", {"name": "new"})
    names = {one.name for one in await DocumentStore(database).collections()}
    assert names == {"optics", "other"}


async def test_deletion_frees_the_name_of_a_renamed_collection(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    paper = upload()
    await jobs.admit(NAME, [paper])
    await collections.change(NAME, {"name": "optics"})
    await DocumentStore(database).delete_collection(NAME)
    await collections.create("optics", {})
    await DocumentStore(database).delete_collection("optics")
    await jobs.admit("other", [upload()])
    await collections.change("other", {"name": "optics"})  # a deleted collection keeps no name
    await jobs.admit(NAME, [paper])
    assert (await summary(database)).name == NAME


@pytest.mark.parametrize("is_restored", [False, True])
async def test_upload_that_resolved_a_name_before_it_was_given_is_refused(
    database: Database, collections: CollectionStore, jobs: JobStore, is_restored: bool
) -> None:
    paper = upload()
    if is_restored:
        await jobs.admit("optics", [paper])
        await DocumentStore(database).delete_collection("optics")
    await collections.create(NAME, {})
    await collections.change(NAME, {"name": "optics"})
    with pytest.raises(CollectionRenamed):
        await jobs.admit("optics", [paper])
    [listed] = await DocumentStore(database).collections()
    assert (listed.name, listed.documents) == ("optics", 0)


async def test_one_of_many_that_claim_a_name_gets_it(
    database: Database, collections: CollectionStore, jobs: JobStore
) -> None:
    await collections.create("first", {})
    await collections.create("second", {})
    claims = await asyncio.gather(
        collections.change("first", {"name": NAME}),
        collections.change("second", {"name": NAME}),
        collections.create(NAME, {}),
        *(jobs.admit(NAME, [upload()]) for _ in range(4)),
        return_exceptions=True,
    )
    refused = [one for one in claims if isinstance(one, BaseException)]
    assert all(isinstance(one, Conflict) for one in refused), refused
    names = [one.name for one in await DocumentStore(database).collections()]
    assert len(names) == len(set(names)), names
    assert names.count(NAME) == 1
