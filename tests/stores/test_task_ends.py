"""Effects of the end of a task on its document, job and duplicates. On both stores."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from domain.documents import DocumentStatus
from domain.errors import LeaseLost
from domain.jobs import Counts, JobStatus, Lane, OnDuplicate, Step, TaskStatus
from tests.stores.postgres import Stores
from tests.stores.work import (
    AWAY,
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


async def test_task_end_is_idempotent(stores: Stores) -> None:
    """The response to the first call may be lost; the result must be kept."""
    done, damaged = await begin(stores), await begin(stores)
    for _ in range(2):
        await stores.queue.finish(done, DONE)
        await stores.queue.fail(damaged, DAMAGED)
    assert (await task_now(stores, done)).status == TaskStatus.COMPLETED
    assert (await stores.jobs.job(done.job_id)).status == JobStatus.COMPLETED
    assert (await stores.jobs.job(damaged.job_id)).status == JobStatus.FAILED


async def test_completed_task_publishes_document(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, DONE)
    ended = await task_now(stores, task)
    assert (ended.pages_done, ended.chunks_done, ended.error) == (DONE.pages, DONE.chunks, None)
    assert ended.searchable_at and ended.finished_at
    document = await stores.documents.get(task.document_id)
    assert (document.status, document.title) == (DocumentStatus.READY, DONE.metadata.title)
    assert (document.pages, document.chunks) == (DONE.pages, DONE.chunks)
    assert (document.sections, document.references) == (DONE.sections, DONE.references)
    assert document.searchable_at
    assert await stores.documents.artifact_key(task.document_id) == DONE.artifact_key


async def test_publish_never_reverts_to_older_version(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    slow = await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS, lane=Lane.BULK)
    quick = await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    newer = await claim_one(stores)
    assert (newer.task_id, newer.version) == (quick.task_id, 3)
    await stores.queue.finish(newer, DONE)
    assert await claim(stores, lane=Lane.BULK) == []
    older = await task_now(stores, slow)
    assert (older.version, older.status) == (2, TaskStatus.COMPLETED)
    document = await stores.documents.get(name)
    assert (document.version, document.status) == (3, DocumentStatus.READY)


async def test_failed_new_version_keeps_old_one_searchable(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    await stores.queue.fail(await claim_one(stores), DAMAGED)
    document = await stores.documents.get(name)
    assert (document.version, document.status) == (1, DocumentStatus.READY)


async def test_failed_task_stores_error(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.fail(task, DAMAGED)
    assert (await task_now(stores, task)).error == DAMAGED
    document = await stores.documents.get(task.document_id)
    assert document.status == DocumentStatus.FAILED


async def test_concurrent_task_ends_close_job_once(stores: Stores) -> None:
    for _ in range(10):
        await stores.jobs.admit("papers", [upload(), upload()])
        one, two = await claim(stores)
        await asyncio.gather(stores.queue.finish(one, DONE), stores.queue.fail(two, DAMAGED))
        job = await stores.jobs.job(one.job_id)
        assert job.status == JobStatus.PARTIAL and job.finished_at


async def test_concurrent_deletion_and_task_ends_do_not_deadlock(stores: Stores) -> None:
    """All transactions lock documents, tasks, jobs in this order: no deadlock, no lost result.

    Repeated, because a deadlock on the row of the job needs a certain order of three transactions.
    """
    for _ in range(40):
        await stores.jobs.admit("papers", [upload() for _ in range(12)])
        tasks = await claim(stores)
        ends = [stores.queue.finish(task, DONE) for task in tasks]
        deletes = [stores.documents.delete(task.document_id) for task in reversed(tasks)]
        outcomes = await asyncio.gather(*ends, *deletes, return_exceptions=True)
        unexpected = [one for one in outcomes if not isinstance(one, LeaseLost | bool | None)]
        assert unexpected == []
        assert (await stores.jobs.job(tasks[0].job_id)).finished_at


async def test_several_tasks_end_together(stores: Stores) -> None:
    papers = [upload() for _ in range(4)]
    await stores.jobs.admit("papers", papers)
    done, chunkless, advanced, known = await claim(stores)
    await stores.queue.finish(known, DONE)
    later = replace(DONE, next_step=Step.LAYOUT)
    unread = replace(DONE, chunks=0, next_step=Step.OCR)
    await stores.queue.finish_all(
        [(done, DONE), (chunkless, unread), (advanced, later), (known, DONE)]
    )
    states = [await task_now(stores, task) for task in (done, chunkless, advanced, known)]
    assert [(one.status, one.step, bool(one.searchable_at)) for one in states] == [
        (TaskStatus.COMPLETED, Step.READ_TEXT, True),
        (TaskStatus.QUEUED, Step.OCR, False),
        (TaskStatus.QUEUED, Step.LAYOUT, True),
        (TaskStatus.COMPLETED, Step.READ_TEXT, True),
    ]
    documents = [await stores.documents.get(one.document_id) for one in states]
    assert [one.status == DocumentStatus.READY for one in documents] == [True, False, True, True]
    assert not (await stores.jobs.job(done.job_id)).finished_at


async def test_lost_lease_reverts_all_ends_of_transaction(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload(), upload()])
    kept, lost = await claim(stores)
    await stores.queue.release(lost)
    with pytest.raises(LeaseLost):
        await stores.queue.finish_all([(kept, DONE), (lost, DONE)])
    assert (await task_now(stores, kept)).status == TaskStatus.RUNNING
    document = await stores.documents.get(kept.document_id)
    assert document.status == DocumentStatus.PROCESSING
    await stores.queue.finish(kept, DONE)


async def test_concurrent_groups_of_ends_do_not_deadlock(stores: Stores) -> None:
    """Groups, heartbeats and deletions lock the same rows, requested in different orders."""
    for _ in range(40):
        await stores.jobs.admit("papers", [upload() for _ in range(12)])
        tasks = await claim(stores)
        groups = (tasks[::2], tasks[::-1][::2])
        ends = [stores.queue.finish_all([(task, DONE) for task in group]) for group in groups]
        beats = [stores.queue.heartbeat(some, 30) for some in (tasks, tasks[::-1])]
        delete = stores.documents.delete(tasks[6].document_id)
        outcomes = await asyncio.gather(*ends, *beats, delete, return_exceptions=True)
        unexpected = [one for one in outcomes if isinstance(one, Exception)]
        assert all(isinstance(one, LeaseLost) for one in unexpected), unexpected


async def test_queued_duplicate_completes_without_work(stores: Stores) -> None:
    paper = upload()
    first = await begin(stores, paper)
    waiting, later = await admit(stores, paper), await admit(stores)
    await stores.queue.finish(first, DONE)
    assert [task.task_id for task in await claim(stores, limit=1)] == [later.task_id]
    task = await task_now(stores, waiting)
    assert (task.status, task.attempt, task.lease_token) == (TaskStatus.COMPLETED, 0, 0)
    assert (task.pages_done, task.pages_total) == (DONE.pages, DONE.pages)
    assert (task.chunks_done, task.chunks_total) == (DONE.chunks, DONE.chunks)
    assert task.searchable_at and task.finished_at and task.lease_expires_at is None
    job = await stores.jobs.job(waiting.job_id)
    assert (job.status, job.counts) == (JobStatus.COMPLETED, Counts(completed=1))


async def test_claim_returns_full_batch_behind_duplicates(stores: Stores) -> None:
    paper = upload()
    first = await begin(stores, paper)
    copies = await stores.jobs.admit("papers", [paper] * 7)
    others = await stores.jobs.admit("papers", [upload(), upload()])
    await stores.queue.finish(first, DONE)
    claimed = await claim(stores, limit=2)
    assert [task.task_id for task in claimed] == [one.task_id for one in others]
    assert (await stores.jobs.job(copies[0].job_id)).counts == Counts(completed=7)


async def test_concurrent_claims_complete_each_duplicate_once(stores: Stores) -> None:
    paper = upload()
    first = await begin(stores, paper)
    jobs = {(await admit(stores, paper)).job_id for _ in range(12)}
    await stores.queue.finish(first, DONE)
    assert await asyncio.gather(*(claim(stores, limit=3) for _ in range(4))) == [[]] * 4
    for job_id in jobs:
        assert (await stores.jobs.job(job_id)).status == JobStatus.COMPLETED


async def test_new_version_is_not_completed_as_duplicate(stores: Stores) -> None:
    paper = upload()
    await ready(stores, paper)
    new = await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    waiting = await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS, lane=Lane.BULK)
    task = await claim_one(stores)
    assert (task.task_id, task.version) == (new.task_id, 2)
    await stores.queue.finish(task, DONE)
    assert (await claim(stores, lane=Lane.BULK))[0].task_id == waiting.task_id, (
        "the paper was uploaded again later"
    )


async def test_duplicate_of_failed_paper_is_processed(stores: Stores) -> None:
    paper = upload()
    first = await begin(stores, paper)
    second = await admit(stores, paper)
    await stores.queue.fail(first, DAMAGED)
    assert (await claim_one(stores)).task_id == second.task_id


async def test_retried_task_completes_after_its_duplicate(stores: Stores) -> None:
    paper = upload()
    task = await begin(stores, paper)
    await stores.queue.retry(task, AWAY, delay_seconds=60, isolate=True)
    await stores.queue.finish(await begin(stores, paper), DONE)
    await stores.advance(61)
    assert await claim(stores) == []
    ended = await task_now(stores, task)
    assert (ended.status, ended.error, ended.attempt) == (TaskStatus.COMPLETED, None, 1)
