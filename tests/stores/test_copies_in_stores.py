"""Copies of one work: how they are linked, and what the rule of a collection does with them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from sqlalchemy import text

from domain.documents import Document, DocumentStatus
from domain.errors import NotFound
from domain.jobs import (
    Lane,
    OnDuplicate,
    Progress,
    Step,
    StepResult,
    Task,
    TaskStatus,
    Upload,
)
from domain.papers import Author, Metadata
from domain.same_work import Work, WorkLinks
from stores.postgres.database import Database
from stores.postgres.work_links import CANDIDATES
from tests.stores.postgres import Stores
from tests.stores.work import admit, claim, task_now, upload

TERNS = Metadata(
    "Migration of terns along the western coast",
    (Author("Ada Berg", family="Berg"),),
    doi="10.1/terns",
    year=2018,
)
GULLS = Metadata("Nesting of gulls on the northern cliffs", TERNS.authors, year=2018)
READ = StepResult(TERNS, pages=2, chunks=3, artifact_key="read/1")


def result(metadata: Metadata = TERNS, **fields: Any) -> StepResult:
    return replace(READ, metadata=metadata, **fields)


async def begin(stores: Stores, collection: str = "papers", **options: Any) -> Task:
    """Admits a new file and claims its task."""
    await admit(stores, options.pop("one", None) or upload(), collection=collection, **options)
    (task,) = await claim(stores)
    return task


async def read(stores: Stores, metadata: Metadata = TERNS, collection: str = "papers") -> str:
    """Reads a new file with this metadata; returns the id of its document."""
    task = await begin(stores, collection)
    await stores.queue.finish(task, result(metadata))
    return task.document_id


async def links(stores: Stores, document_id: str) -> WorkLinks:
    document = await stores.documents.get(document_id)
    return (await stores.documents.links([document])).get(document_id, WorkLinks())


async def copies(stores: Stores, document_id: str) -> tuple[str, ...]:
    return (await links(stores, document_id)).same_work_as


async def documents(stores: Stores) -> dict[str, Document]:
    listed = await stores.documents.list()
    return {one.document_id: one for one in listed.items}


async def with_rule(stores: Stores, rule: str) -> None:
    await stores.collections.create("papers", {"duplicates": rule})


async def test_copies_are_linked_in_both_directions(stores: Stores) -> None:
    first, second = await read(stores), await read(stores)
    by_title = await read(stores, replace(TERNS, doi=None))
    other = await read(stores, GULLS)
    elsewhere = await read(stores, collection="other")
    names = {first, second, by_title}
    for name in names:
        assert await copies(stores, name) == tuple(sorted(names - {name}))
    for name in (other, elsewhere):
        assert await links(stores, name) == WorkLinks()


@pytest.mark.parametrize(
    ("title", "spelled"),
    [
        ("Миграция крачек вдоль западного берега", "Миграция крачек вдоль западного берега."),
        (
            "银纳米粒子的绿色合成及其在水处理中的应用研究",
            "银纳米粒子的绿色合成及其在水处理中的应用研究",
        ),
        ("Vögel an den Küsten der Nordsee", "V\u00ad\u006f\u0308gel an den Küsten — der NORDSEE"),
    ],
)
async def test_titles_in_all_scripts_are_found(stores: Stores, title: str, spelled: str) -> None:
    first = await read(stores, replace(TERNS, title=title, doi=None))
    second = await read(stores, replace(TERNS, title=spelled, doi=None))
    assert await copies(stores, first) == (second,)


async def test_versions_are_linked_and_are_no_copies(stores: Stores) -> None:
    printed = await read(stores)
    preprint = await read(stores, replace(TERNS, doi=None, arxiv_id="1706.03762", year=2017))
    retitled = replace(TERNS, title="How terns find home", doi=None, arxiv_id="1706.03762")
    revised = await read(stores, retitled)
    assert (await links(stores, printed)) == WorkLinks((), (preprint,))
    assert (await links(stores, preprint)) == WorkLinks((revised,), (printed,))


async def test_doi_of_an_arxiv_paper_links_it(stores: Stores) -> None:
    by_id = await read(stores, replace(TERNS, doi=None, arxiv_id="1706.03762"))
    by_doi = await read(stores, replace(TERNS, doi="10.48550/arxiv.1706.03762", year=2017))
    assert await copies(stores, by_id) == (by_doi,)
    assert await copies(stores, by_doi) == (by_id,)


async def test_year_of_the_file_separates_no_copies(stores: Stores) -> None:
    same = replace(TERNS, doi=None, abstract="Terns were counted along the coast.")
    printed = await read(stores, same)
    quality = {"confidence": {"year": {"source": "file creation", "confidence": 0.3}}}
    task = await begin(stores)
    await stores.queue.finish(task, result(replace(same, year=2023), quality=quality))
    assert await copies(stores, task.document_id) == (printed,)
    assert await copies(stores, printed) == (task.document_id,)
    corrections = {"year": 2023}
    await stores.documents.correct(task.document_id, corrections, ())
    assert await copies(stores, printed) == ()


async def test_unread_documents_have_no_links(stores: Stores) -> None:
    first = await read(stores)
    task = await begin(stores)
    assert await copies(stores, task.document_id) == ()
    assert await copies(stores, first) == ()
    assert await stores.documents.links([]) == {}


async def test_correction_links_and_unlinks(stores: Stores) -> None:
    first, second = await read(stores), await read(stores, GULLS)
    columns = {"title": TERNS.title, "doi": "10.1/terns"}
    await stores.documents.correct(second, columns, ())
    assert await copies(stores, first) == (second,)
    again = await begin_again(stores, second)
    await stores.queue.finish(again, result(GULLS))
    assert await copies(stores, first) == (second,)
    await stores.documents.correct(second, {"title": GULLS.title, "doi": None}, tuple(columns))
    assert await copies(stores, first) == ()


async def begin_again(stores: Stores, document_id: str) -> Task:
    """Claims the task of another reading of the document."""
    one = await stores.documents.get(document_id)
    same = Upload(one.filename, one.sha256, one.bytes)
    return await begin(stores, one=same, on_duplicate=OnDuplicate.REPROCESS)


async def test_deletion_and_move_unlink(stores: Stores) -> None:
    first, second, third = [await read(stores) for _ in range(3)]
    await stores.documents.delete(first)
    assert await copies(stores, second) == (third,)
    await stores.jobs.move(await stores.documents.get(third), "other")
    assert await copies(stores, second) == ()


async def test_links_of_tasks_cover_searchable_documents(stores: Stores) -> None:
    other = await read(stores)
    done = await begin(stores)
    await stores.queue.finish(done, result())
    waiting = await admit(stores, upload())
    found = await stores.documents.links_of_tasks([done.task_id, waiting.task_id])
    assert {name: one.same_work_as for name, one in found.items()} == {done.task_id: (other,)}


async def test_keep_keeps_all_copies(stores: Stores) -> None:
    names = [await read(stores) for _ in range(3)]
    assert set(await documents(stores)) == set(names)


async def test_refuse_fails_the_later_copy(stores: Stores) -> None:
    await with_rule(stores, "refuse")
    first = await read(stores)
    task = await begin(stores)
    await stores.queue.finish(task, result())
    await stores.queue.finish(task, result())  # the response was lost
    ended = await task_now(stores, task)
    assert (ended.status, ended.error and ended.error.code) == (TaskStatus.FAILED, "same_work")
    assert ended.error and first in ended.error.message and "Migration" in ended.error.message
    refused = await stores.documents.get(task.document_id)
    assert (refused.status, refused.chunks, refused.title) == (DocumentStatus.FAILED, 0, None)
    assert (await stores.jobs.job(task.job_id)).status == "failed"
    assert await copies(stores, first) == ()
    deletions = await stores.deletions.claim(10, 1)
    assert [one.versions.document_id for one in deletions] == [task.document_id]
    assert (await read(stores, GULLS)) in await documents(stores)


async def test_refused_copy_is_read_after_a_change_of_the_rule(stores: Stores) -> None:
    await with_rule(stores, "refuse")
    first = await read(stores)
    task = await begin(stores)
    await stores.queue.finish(task, result())
    await stores.collections.change("papers", {"duplicates": "keep"})
    assert await stores.job_control.retry(task.job_id) == 1
    (again,) = await claim(stores)
    await stores.queue.finish(again, result())
    assert await copies(stores, first) == (task.document_id,)


async def test_refuse_discards_what_was_searchable_early(stores: Stores) -> None:
    await with_rule(stores, "refuse")
    await read(stores)
    task = await begin(stores)
    await stores.queue.report(task, Progress(chunks_done=1, pages_total=2, searchable=True))
    assert (await stores.documents.get(task.document_id)).status == DocumentStatus.READY
    await stores.queue.finish(task, result(next_step=Step.LAYOUT))
    refused = await stores.documents.get(task.document_id)
    assert (refused.status, refused.chunks) == (DocumentStatus.FAILED, 0)


async def test_refuse_of_a_scan_waits_for_its_text(stores: Stores) -> None:
    await with_rule(stores, "refuse")
    await read(stores)
    task = await begin(stores)
    unread = StepResult(Metadata(), pages=2, chunks=0, next_step=Step.OCR)
    await stores.queue.finish(task, unread)
    (scan,) = await claim(stores, lane=Lane.OCR)
    await stores.queue.finish(scan, result())
    assert (await task_now(stores, task)).status == TaskStatus.FAILED


async def test_refuse_spares_papers_that_the_collection_has(stores: Stores) -> None:
    first, second = await read(stores), await read(stores)
    await stores.collections.change("papers", {"duplicates": "refuse"})
    again = await begin_again(stores, second)
    await stores.queue.finish(again, result())
    moved = await read(stores, collection="other")
    await stores.jobs.move(await stores.documents.get(moved), "papers")
    (move,) = await claim(stores)
    await stores.queue.finish(move, result())
    assert set(await documents(stores)) == {first, second, move.document_id}
    assert (await task_now(stores, move)).status == TaskStatus.COMPLETED


async def test_refuse_lets_one_of_two_copies_in(stores: Stores) -> None:
    await with_rule(stores, "refuse")
    for _ in range(2):
        await admit(stores, upload())
    tasks = await claim(stores)
    await stores.queue.finish_all([(task, result()) for task in tasks])
    statuses = [(await task_now(stores, task)).status for task in tasks]
    assert sorted(statuses) == [TaskStatus.COMPLETED, TaskStatus.FAILED]


async def test_newest_replaces_the_earlier_copies(stores: Stores) -> None:
    earlier = [await read(stores), await read(stores)]
    author = Author("Ada Bergström", family="Bergström")
    corrections = {"year": 2020, "authors": [asdict(author)]}
    await stores.documents.correct(earlier[0], {"year": 2017, "language": "en"}, (), tags=["old"])
    await stores.documents.correct(earlier[1], corrections, (), tags=["birds", "old"])
    await stores.collections.change("papers", {"duplicates": "newest"})
    task = await begin(stores)
    await stores.queue.finish(task, result(next_step=Step.LAYOUT))
    assert set(await documents(stores)) == {*earlier, task.document_id}  # not complete yet
    (layout,) = await claim(stores, lane=Lane.LAYOUT)
    await stores.queue.finish(layout, result())
    (kept,) = (await documents(stores)).values()
    assert (kept.document_id, kept.year, kept.authors) == (task.document_id, 2020, (author,))
    assert set(kept.tags) == {"birds", "old"}
    assert dict(kept.corrections) == corrections | {"language": "en"}
    for name in earlier:
        with pytest.raises(NotFound):
            await stores.documents.get(name)


async def test_newest_replaces_no_version(stores: Stores) -> None:
    await with_rule(stores, "newest")
    preprint = await read(stores, replace(TERNS, doi=None, arxiv_id="1706.03762"))
    printed = await read(stores)
    assert set(await documents(stores)) == {preprint, printed}


async def test_newest_cancels_the_reading_of_an_earlier_copy(stores: Stores) -> None:
    await with_rule(stores, "newest")
    first = await begin(stores)
    await stores.queue.finish(first, result(next_step=Step.LAYOUT))
    second = await read(stores)
    assert set(await documents(stores)) == {second}
    assert (await task_now(stores, first)).status == TaskStatus.CANCELLED


async def test_newest_wins_although_it_was_read_first(stores: Stores) -> None:
    await with_rule(stores, "newest")
    first = await begin(stores)
    second = await read(stores)
    await stores.queue.finish(first, result())
    assert set(await documents(stores)) == {second}
    assert (await task_now(stores, first)).status == TaskStatus.COMPLETED


async def test_reading_again_replaces_nothing(stores: Stores) -> None:
    first, second = await read(stores), await read(stores)
    await stores.collections.change("papers", {"duplicates": "newest"})
    (moved,) = [await read(stores, collection="other")]
    await stores.jobs.move(await stores.documents.get(moved), "papers")
    (move,) = await claim(stores)
    await stores.queue.finish(move, result())
    again = await begin_again(stores, first)
    await stores.queue.finish(again, result())
    assert set(await documents(stores)) == {first, second, move.document_id}


async def test_rule_of_a_deleted_collection_is_gone(stores: Stores) -> None:
    await with_rule(stores, "refuse")
    await stores.documents.delete_collection("papers")
    await read(stores)
    (found,) = await stores.documents.collections("papers")
    assert found.duplicates == "keep"
    assert await copies(stores, await read(stores)) != ()


@pytest.mark.parametrize("rule", ["newest", "refuse"])
async def test_copies_that_end_at_the_same_time_leave_one(rule: str, stores: Stores) -> None:
    await with_rule(stores, rule)
    for _ in range(6):
        await admit(stores, upload())
    tasks = await claim(stores)
    await asyncio.gather(*(stores.queue.finish(task, result()) for task in tasks))
    found = (await documents(stores)).values()
    assert len([one for one in found if one.is_ready]) == 1


async def test_links_use_the_indexes(database: Database) -> None:
    """A lookup among 20,000 papers reads no table from begin to end."""
    fill = """
        INSERT INTO documents (document_id, collection, sha256, filename, bytes, status, title, doi)
        SELECT 'doc_' || n, 'many', n, n || '.pdf', 1, 'ready',
            'Observations of bird number ' || n || ' in the western park', '10.1/' || n
        FROM generate_series(1, 20000) AS n
    """
    work = Work.of("doc_x", "many", replace(TERNS, arxiv_id="1706.03762"))
    keys = ("document_id", "collection", "title", "doi", "arxiv_id")
    rows = json.dumps([{key: getattr(work, key) for key in keys}])
    async with database.begin() as connection:
        await connection.execute(text("INSERT INTO collections (name) VALUES ('many')"))
        await connection.execute(text(fill))
        await connection.execute(text("ANALYZE documents"))
        plan = await connection.execute(text(f"EXPLAIN {CANDIDATES.text}"), {"works": rows})
        lines = "\n".join(plan.scalars())
    assert "Seq Scan on documents" not in lines
    for index in ("documents_by_doi", "documents_by_arxiv_id", "documents_by_work"):
        assert index in lines
