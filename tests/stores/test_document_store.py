"""Document store: documents, collections, deletion, and the searchable version."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text

from domain.deletions import VersionRange
from domain.documents import (
    Document,
    DocumentFilter,
    DocumentOrder,
    DocumentStatus,
    document_id,
)
from domain.errors import LeaseLost, NotFound, PreconditionFailed
from domain.jobs import CitationKey, JobStatus, OnDuplicate, TaskStatus, Upload
from domain.paper_names import PaperName
from domain.papers import Author, Metadata
from stores.postgres.database import Database
from stores.postgres.schema import DOCUMENTS
from tests.stores.postgres import Stores, postgres_stores
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


async def test_unknown_document_raises_not_found(stores: Stores) -> None:
    with pytest.raises(NotFound):
        await stores.documents.get("doc_unknown")
    with pytest.raises(NotFound):
        await stores.documents.delete("doc_unknown")
    assert await stores.documents.artifact_key("doc_unknown") is None


async def test_document_id_derives_from_collection_and_content(stores: Stores) -> None:
    paper = upload()
    admission = await admit(stores, paper, collection="ours")
    assert admission.document_id == document_id("ours", paper.sha256)


async def test_active_returns_live_documents_by_id(stores: Stores) -> None:
    kept, gone = await ready(stores, upload()), await ready(stores, upload())
    await stores.documents.delete(gone)
    found = await stores.documents.active([kept, gone, "doc_unknown"])
    assert set(found) == {kept} and found[kept].version == 1
    assert await stores.documents.active([]) == {}


async def test_delete_document_leaves_tombstone(stores: Stores) -> None:
    name = await ready(stores, upload())
    await stores.documents.delete(name)
    with pytest.raises(NotFound):
        await stores.documents.get(name)
    with pytest.raises(NotFound):
        await stores.documents.delete(name)
    assert await stores.documents.artifact_key(name) is None
    assert (await stores.documents.list()).items == []


async def test_delete_document_enqueues_all_versions_and_pdf(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    await stores.documents.delete(name)
    [due] = await stores.deletions.claim(10, hide_seconds=60)
    assert (due.versions, due.sha256) == (VersionRange(name, 0, 2), paper.sha256)
    assert await stores.deletions.claim(10, hide_seconds=60) == [], "a deleted document is hidden"
    await stores.advance(60)
    assert await stores.deletions.claim(10, hide_seconds=60) == [due]
    await stores.deletions.complete([due.deletion_id])
    await stores.advance(60)
    assert await stores.deletions.waiting() == 0


async def test_pdfs_in_use_excludes_deleted_documents(stores: Stores) -> None:
    paper, other = upload(), upload()
    one = await admit(stores, paper, collection="one")
    two = await admit(stores, paper, collection="two")
    digests = [paper.sha256, other.sha256]
    await stores.documents.delete(one.document_id)
    assert await stores.deletions.pdfs_in_use(digests) == {paper.sha256}
    await stores.documents.delete(two.document_id)
    assert await stores.deletions.pdfs_in_use(digests) == set()


async def test_tombstone_keeps_only_digest_and_versions(
    database: Database,
) -> None:
    stores = postgres_stores(database)
    paper = upload("secret bytes", filename="secret.pdf")
    task = await begin(stores, paper)
    result = replace(
        DONE,
        metadata=Metadata(
            "Secret title",
            authors=(Author("Secret Author"),),
            abstract="secret abstract",
            keywords=("secret",),
            doi="10.1/secret",
        ),
        cited=(CitationKey(0, "10.1/secret", None, "secret", 2020),),
        quality={"note": "secret"},
    )
    await stores.queue.finish(task, result)
    await stores.documents.delete(task.document_id)
    async with database.single() as connection:
        for table in ("documents", "tasks", "citations", "jobs", "job_events", "store_deletions"):
            rows = (await connection.execute(text(f"SELECT t::text FROM {table} t"))).scalars()
            assert "secret" not in "".join(rows).lower(), table
        kept = (await connection.execute(select(DOCUMENTS))).one()
    assert (kept.sha256, kept.latest_version, kept.status) == (paper.sha256, 1, "deleted")
    assert kept.deleted_at and kept.created_at


async def test_deleted_collection_reappears_with_next_upload(stores: Stores) -> None:
    papers = [upload() for _ in range(3)]
    admitted = await stores.jobs.admit("one", papers)
    other = await admit(stores, papers[0], collection="two")
    assert await stores.documents.delete_collection("one") == 3
    assert (await stores.jobs.job(admitted[0].job_id)).status == JobStatus.CANCELLED
    assert [one.name for one in await stores.documents.collections()] == ["two"]
    assert not await stores.documents.has_collection("one")
    assert [one.document_id for one in (await stores.documents.list()).items] == [other.document_id]
    for unknown in ("one", "never"):
        with pytest.raises(NotFound):
            await stores.documents.delete_collection(unknown)
    await admit(stores, papers[0], collection="one")
    found = await stores.documents.collections()
    assert [(one.name, one.documents) for one in found] == [("one", 1), ("two", 1)]


@pytest.mark.parametrize("at_work", [True, False])
async def test_delete_document_cancels_open_tasks_and_closes_job(
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


async def test_delete_document_keeps_ended_tasks(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, DONE)
    await stores.documents.delete(task.document_id)
    assert (await task_now(stores, task)).status == TaskStatus.COMPLETED
    assert (await stores.jobs.job(task.job_id)).status == JobStatus.COMPLETED


async def test_stale_worker_cannot_publish_into_reuploaded_document(stores: Stores) -> None:
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


async def test_document_versions_are_monotonic_across_deletions(stores: Stores) -> None:
    paper = upload()
    versions = []
    for _ in range(3):
        name = await ready(stores, paper)
        versions.append((await stores.documents.get(name)).version)
        await stores.documents.delete(name)
    assert versions == [1, 2, 3]


async def test_document_pages_contain_each_document_once(stores: Stores) -> None:
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


async def test_documents_are_listed_newest_first(stores: Stores) -> None:
    names = [(await admit(stores)).document_id for _ in range(3)]
    listed = [document.document_id for document in (await stores.documents.list()).items]
    assert listed == names[::-1]


CORRECTED: dict[str, Any] = {
    "title": "On engines",
    "authors": [{"name": "Ada Lovelace", "given": "Ada", "family": "Lovelace"}],
    "title_key": "onengines",
}


async def read_again(stores: Stores, paper: Upload, metadata: Metadata) -> Document:
    """Reads the document as its next version, with this metadata."""
    await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    task = await claim_one(stores)
    await stores.queue.finish(task, replace(DONE, metadata=metadata))
    return await stores.documents.get(task.document_id)


async def test_corrections_survive_new_versions(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await stores.documents.correct(name, CORRECTED, ())
    assert (await stores.documents.get(name)).title == "On engines"
    document = await read_again(stores, paper, Metadata("Wrong", year=1843))
    assert (document.version, document.title, document.year) == (2, "On engines", 1843)
    assert document.authors == (Author("Ada Lovelace", "Ada", "Lovelace"),)
    assert set(document.corrections) == set(CORRECTED)


async def test_restored_field_follows_the_paper_again(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await stores.documents.correct(name, CORRECTED, ())
    await stores.documents.correct(name, {"title": "Extracted", "year": 1900}, {"title"})
    document = await stores.documents.get(name)
    assert (document.title, document.year) == ("Extracted", 1900)
    assert set(document.corrections) == {"authors", "title_key", "year"}
    assert (await read_again(stores, paper, Metadata("Newer"))).title == "Newer"


async def test_corrections_survive_a_failed_reading(stores: Stores) -> None:
    paper = upload()
    failed = await begin(stores, paper)
    await stores.queue.fail(failed, DAMAGED)
    await stores.documents.correct(failed.document_id, CORRECTED, ())
    document = await read_again(stores, paper, Metadata("Wrong"))
    assert document.title == "On engines"


async def test_deletion_erases_corrections(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await stores.documents.correct(name, CORRECTED, ())
    await stores.documents.delete(name)
    with pytest.raises(NotFound):
        await stores.documents.correct(name, CORRECTED, ())
    document = await read_again(stores, paper, Metadata("New"))
    assert (document.title, dict(document.corrections)) == ("New", {})


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (DocumentFilter(words=("LOVELACE",)), {"notes.pdf"}),
        (DocumentFilter(words=("ødegård", "fairness")), {"100%_paid.pdf"}),
        (DocumentFilter(words=("notes",)), {"notes.pdf"}),
        (DocumentFilter(words=("%_p",)), {"100%_paid.pdf"}),
        (DocumentFilter(words=("family",)), set()),
        (DocumentFilter(words=("lovelace", "fairness")), set()),
        (DocumentFilter(year_first=1900), {"100%_paid.pdf"}),
        (DocumentFilter(year_last=1900), {"notes.pdf"}),
        (DocumentFilter(year_first=1843, year_last=2020), {"notes.pdf", "100%_paid.pdf"}),
    ],
)
async def test_documents_are_filtered_by_words_and_year(
    stores: Stores, wanted: DocumentFilter, found: set[str]
) -> None:
    papers = {
        "notes.pdf": Metadata(
            "On engines", (Author("Ada Lovelace", family="Lovelace"),), year=1843
        ),
        "100%_paid.pdf": Metadata("Lot and Fairness", (Author("Åsa Ødegård"),), year=2020),
        "undated.pdf": Metadata("An essay"),
    }
    for filename, metadata in papers.items():
        task = await begin(stores, replace(upload(), filename=filename))
        await stores.queue.finish(task, replace(DONE, metadata=metadata))
    listed = (await stores.documents.list(wanted)).items
    assert {document.filename for document in listed} == found


async def test_documents_are_filtered_by_collection_and_status(stores: Stores) -> None:
    name = await ready(stores, upload())
    bad = await begin(stores)
    await stores.queue.fail(bad, DAMAGED)
    other = await admit(stores, collection="other")

    async def ids(collection: str | None = None, status: DocumentStatus | None = None) -> list[str]:
        page = await stores.documents.list(DocumentFilter(collection, status))
        return [document.document_id for document in page.items]

    assert await ids(collection="other") == [other.document_id]
    assert await ids(status=DocumentStatus.READY) == [name]
    assert await ids(status=DocumentStatus.FAILED) == [bad.document_id]
    assert await ids(collection="papers", status=DocumentStatus.PROCESSING) == []


async def test_collection_is_created_by_first_upload(stores: Stores) -> None:
    assert await stores.documents.collections() == []
    assert not await stores.documents.has_collection("b")
    gone = await admit(stores, collection="b")
    await stores.jobs.admit("a", [upload(), upload()])
    await stores.documents.delete(gone.document_id)
    found = await stores.documents.collections()
    assert [(one.name, one.documents) for one in found] == [("a", 2), ("b", 0)]
    assert all(one.created_at for one in found)
    assert await stores.documents.has_collection("b")


async def test_discard_if_unused_keeps_searchable_and_pending_versions(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    discard = stores.deletions.discard_if_unused
    assert [await discard(name, version) for version in (1, 2, 3)] == [False, False, True]
    await stores.documents.delete(name)
    assert await discard(name, 1)
    assert await discard("doc_unknown", 1)
    due = await stores.deletions.claim(10, hide_seconds=60)
    ranges = [(one.versions.first, one.versions.last) for one in due]
    assert ranges == [
        (3, 3),
        (0, 2),
        (1, 1),
        (1, 1),
    ]


async def test_new_version_cancel_and_failure_enqueue_obsolete_versions(
    stores: Stores,
) -> None:
    async def ranges() -> list[VersionRange]:
        due = await stores.deletions.claim(10, hide_seconds=0)
        await stores.deletions.complete([one.deletion_id for one in due])
        return [one.versions for one in due]

    paper = upload()
    name = await ready(stores, paper)
    assert await ranges() == []
    await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    await stores.queue.finish(await claim_one(stores), DONE)
    assert await ranges() == [VersionRange(name, 0, 1)]
    again = await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    await claim_one(stores)
    await stores.job_control.cancel(again.job_id)
    assert await ranges() == [VersionRange(name, 3, 3)]
    await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    await stores.queue.fail(await claim_one(stores), DAMAGED)
    assert await ranges() == [VersionRange(name, 4, 4)]
    assert (await stores.documents.get(name)).version == 2


async def test_reingest_does_not_restore_deleted_document(stores: Stores) -> None:
    kept, gone = upload(), upload()
    await ready(stores, kept)
    await stores.documents.delete(await ready(stores, gone))
    again = partial(
        stores.jobs.admit, "papers", on_duplicate=OnDuplicate.REPROCESS, known_only=True
    )
    assert await again([gone, upload()]) == []
    [admission] = await again([gone, kept])
    assert admission.filename == kept.filename
    assert [one.sha256 for one in (await stores.documents.list()).items] == [kept.sha256]
    assert len((await stores.jobs.jobs()).items) == 3


async def test_filters_of_papers_fold_names_and_match_tags(stores: Stores) -> None:
    first, second = await ready(stores, upload()), await ready(stores, upload())
    documents = stores.documents
    people = [asdict(Author("Martin Ødegård")), asdict(Author("Łukasz Kaiser", "Łukasz", "Kaiser"))]
    await documents.correct(first, {"authors": people, "doi": "10.1/x"}, (), tags=["a b", "c"])
    await documents.correct(second, {"authors": [asdict(Author("Ada King"))]}, (), tags=["c"])
    created = (await documents.get(second)).created_at

    async def found(**conditions: Any) -> set[str]:
        wanted = DocumentFilter(**conditions)
        ids = set(await documents.ids(wanted, 10))
        assert set(await documents.active([first, second], wanted)) == ids
        listed = await documents.list(wanted)
        assert {document.document_id for document in listed.items} == ids
        return ids

    assert await found(author="odegard") == {first}
    assert await found(author="MARTIN ØDEGÅRD") == {first}
    assert await found(author="lukasz martin") == {first}
    assert await found(author="king & ' | ( :*") == {second}
    assert await found(author="martin king") == set()
    assert await found(tags=("c",)) == {first, second}
    assert await found(tags=("c", "a b")) == {first}
    assert await found(doi="10.1/X") == {first}
    assert await found(since=created) == {second}
    assert await found(document_ids=(second,), tags=("c",)) == {second}
    assert len(await documents.ids(DocumentFilter(), 1)) == 1


async def test_named_finds_papers_by_identifier_title_and_author(stores: Stores) -> None:
    name, other = await ready(stores, upload()), await ready(stores, upload())
    columns = {
        "doi": "10.1/x",
        "arxiv_id": "1706.03762",
        "title_key": "onthecoolingofions",
        "authors": [asdict(Author("Martin Ødegård"))],
        "title": "On the cooling of ions",
        "year": 2019,
    }
    await stores.documents.correct(name, columns, ("arxiv_id", "title_key"))
    everything = DocumentFilter()
    for wanted in (
        PaperName(doi="10.1/x"),
        PaperName(arxiv_id="1706.03762"),
        PaperName(title_key="onthecoolingofions"),
        PaperName(author="odegard"),
        PaperName(doi="10.1/unknown", author="martin odegard"),
        PaperName(words=("odegard", "2019", "cooling")),
        PaperName(words=("10", "1", "x", "ions")),
    ):
        found = await stores.documents.named(wanted, everything)
        assert [document.document_id for document in found] == [name], wanted
    assert await stores.documents.named(PaperName(), everything) == []
    assert await stores.documents.named(PaperName(doi="10.1/y"), everything) == []
    for words in (("cooling", "ions"), ("odegard", "2020"), ("martin", "name", "affiliation")):
        assert await stores.documents.named(PaperName(words=words), everything) == []
    elsewhere = DocumentFilter(collection="elsewhere")
    assert await stores.documents.named(PaperName(doi="10.1/x"), elsewhere) == []
    among = DocumentFilter(document_ids=(other,))
    assert await stores.documents.named(PaperName(doi="10.1/x"), among) == []


async def test_correction_of_a_changed_document_is_refused(stores: Stores) -> None:
    name = await ready(stores, upload())
    seen = await stores.documents.get(name)
    await stores.documents.correct(name, {"title": "One"}, (), tags=["a"], expected=seen)
    with pytest.raises(PreconditionFailed):
        await stores.documents.correct(name, {"title": "Two"}, (), expected=seen)
    current = await stores.documents.get(name)
    assert (current.title, current.tags) == ("One", ("a",))
    await stores.documents.correct(name, {}, (), tags=[], expected=current)
    assert (await stores.documents.get(name)).tags == ()
    await stores.documents.delete(name)
    with pytest.raises(NotFound):
        await stores.documents.correct(name, {"title": "Three"}, (), expected=current)


async def test_search_by_author_and_tag_uses_an_index(stores: Stores, database: Database) -> None:
    statements = (
        "SELECT 1 FROM documents WHERE to_tsvector('simple'::regconfig, fold_text(authors::text))"
        " @@ plainto_tsquery('simple', fold_text('Ødegård'))",
        "SELECT 1 FROM documents WHERE tags @> '[\"a\"]'",
    )
    async with database.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        for statement in statements:
            plan = (await connection.execute(text(f"EXPLAIN {statement}"))).scalars().all()
            assert "Bitmap Index Scan" in "\n".join(plan)


@pytest.mark.parametrize("order", DocumentOrder)
async def test_pages_of_every_order_have_each_document_once(
    stores: Stores, order: DocumentOrder
) -> None:
    names = [await ready(stores, upload()) for _ in range(5)]
    values = zip(names[:3], ("b", "Ä", "C"), (2000, 2010, 1990), ("B", "É", "a"), strict=True)
    for name, title, year, author in values:
        fields = {"title": title, "year": year, "authors": [{"name": author}]}
        await stores.documents.correct(name, fields, ())
    cursor, found = None, list[Document]()
    while True:
        page = await stores.documents.list(order=order, cursor=cursor, limit=2)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(document.document_id for document in found) == sorted(names)
    first, second, third = names[:3]
    expected = {
        DocumentOrder.NEWEST: [third, second, first],
        DocumentOrder.OLDEST: [first, second, third],
        DocumentOrder.TITLE: [second, first, third],
        DocumentOrder.YEAR: [second, first, third],
        DocumentOrder.AUTHOR: [third, first, second],
        DocumentOrder.STATE: [third, second, first],
    }[order]
    assert [one.document_id for one in found if one.document_id in expected] == expected
