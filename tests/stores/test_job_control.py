"""Cancel, retry and failures, on PostgreSQL and on the fake."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.documents import DocumentStatus
from domain.errors import Conflict, Expired, LeaseLost, NotFound
from domain.job_control import Cancelled
from domain.jobs import JobStatus, Lane, OnDuplicate, Progress, Step, Task, TaskStatus
from stores.postgres.audit_log import acting_as
from tests.stores.postgres import MAX_ATTEMPTS, Stores
from tests.stores.work import DAMAGED, DAY, DONE, admit, begin, claim, ready, task_now, upload

UNREAD = replace(DONE, quality={"pages_failed": [2]})
LATER = replace(DONE, next_step=Step.LAYOUT)


async def folder(stores: Stores, count: int = 3) -> list[Task]:
    """Admits a job with several tasks and returns them."""
    admitted = await stores.jobs.admit("papers", [upload() for _ in range(count)], lane=Lane.BULK)
    return await stores.jobs.tasks(admitted[0].job_id)


async def status_of(stores: Stores, task: Task) -> DocumentStatus:
    return (await stores.documents.get(task.document_id)).status


# --- cancel


async def test_cancel_ends_queued_and_running_tasks(stores: Stores) -> None:
    waiting = await folder(stores)
    [running] = await claim(stores, limit=1, lane=Lane.BULK)
    cancelled = await stores.job_control.cancel(running.job_id)
    assert cancelled == Cancelled(3, ((running.document_id, 1),))
    job = await stores.jobs.job(running.job_id)
    assert (job.status, job.counts.cancelled, job.cancel_requested) == (
        JobStatus.CANCELLED,
        3,
        True,
    )
    assert await claim(stores, lane=Lane.BULK) == []
    for task in waiting:
        assert await status_of(stores, task) == DocumentStatus.CANCELLED


async def test_cancelled_and_deleted_papers_state_the_actor(stores: Stores) -> None:
    cancelled, deleted = await folder(stores, 2)
    with acting_as("key key_a"):
        await stores.documents.delete(deleted.document_id)
    with acting_as("key key_b"):
        await stores.job_control.cancel(cancelled.job_id)
    errors = [(await task_now(stores, task)).error for task in (deleted, cancelled)]
    assert [error and error.code for error in errors] == ["deleted", "cancelled"]
    assert [error and "key key_a" in error.message for error in errors] == [True, False]
    assert await stores.job_control.retry(cancelled.job_id) == 1
    assert (await task_now(stores, cancelled)).error is None


async def test_worker_of_cancelled_task_gets_lease_lost(stores: Stores) -> None:
    task = await begin(stores)
    await stores.job_control.cancel(task.job_id)
    assert await stores.queue.heartbeat([task], 15) == set()
    for write in (
        stores.queue.report(task, Progress(pages_done=1)),
        stores.queue.finish(task, DONE),
        stores.queue.fail(task, DAMAGED),
        stores.queue.release(task),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert (await task_now(stores, task)).status == TaskStatus.CANCELLED


async def test_cancel_keeps_completed_papers(stores: Stores) -> None:
    await folder(stores)
    [first] = await claim(stores, limit=1, lane=Lane.BULK)
    await stores.queue.finish(first, DONE)
    assert await stores.job_control.cancel(first.job_id) == Cancelled(2)
    assert await status_of(stores, first) == DocumentStatus.READY
    assert (await stores.jobs.job(first.job_id)).status == JobStatus.PARTIAL


@pytest.mark.parametrize("keep", [True, False])
async def test_cancel_removes_partial_paper_unless_keep_chunks(stores: Stores, keep: bool) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, LATER)
    cancelled = await stores.job_control.cancel(task.job_id, keep_chunks=keep)
    document = await stores.documents.get(task.document_id)
    if keep:
        assert (document.status, document.needs_review) == (DocumentStatus.READY, True)
        assert cancelled == Cancelled(1)
    else:
        assert (document.status, document.chunks, document.title) == ("cancelled", 0, None)
        assert document.searchable_at is None
        assert await stores.documents.artifact_key(task.document_id) is None
        assert cancelled == Cancelled(1, ((task.document_id, 1),))


@pytest.mark.parametrize("step", [None, Step.LAYOUT])
async def test_cancel_keeps_previously_searchable_version(
    stores: Stores, step: Step | None
) -> None:
    """With and without a partially published new version."""
    paper = upload()
    name = await ready(stores, paper)
    await stores.advance(1)
    again = await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    [task] = await claim(stores)
    if step:
        await stores.queue.finish(task, replace(DONE, next_step=step))
    cancelled = await stores.job_control.cancel(again.job_id)
    document = await stores.documents.get(name)
    assert (document.status, document.version) == (DocumentStatus.READY, 2 if step else 1)
    assert cancelled.left_over == (() if step else ((name, 2),))


async def test_cancel_keeps_paper_of_another_open_job(stores: Stores) -> None:
    paper = upload()
    task = await begin(stores, paper)
    other = await admit(stores, paper)
    assert await stores.job_control.cancel(task.job_id) == Cancelled(1)
    assert await status_of(stores, task) == DocumentStatus.PROCESSING
    [heir] = await claim(stores)
    assert (heir.job_id, heir.version) == (other.job_id, task.version)
    await stores.queue.finish(heir, DONE)
    assert await status_of(stores, task) == DocumentStatus.READY


async def test_job_cancel_is_idempotent(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, DONE)
    assert await stores.job_control.cancel(task.job_id) == Cancelled()
    job = await stores.jobs.job(task.job_id)
    assert (job.status, job.cancel_requested) == (JobStatus.COMPLETED, False)
    [other] = await folder(stores, 1)
    await stores.job_control.cancel(other.job_id)
    assert await stores.job_control.cancel(other.job_id) == Cancelled()


async def test_cancelled_job_rejects_uploads(stores: Stores) -> None:
    [first] = await stores.jobs.admit("papers", [upload()], more_to_come=True)
    await stores.job_control.cancel(first.job_id)
    assert (await stores.jobs.job(first.job_id)).status == JobStatus.CANCELLED
    with pytest.raises(Conflict, match="cancelled"):
        await stores.jobs.admit("papers", [upload()], job_id=first.job_id, more_to_come=True)


async def test_cancelled_paper_can_be_reuploaded(stores: Stores) -> None:
    paper = upload()
    task = await begin(stores, paper)
    await stores.job_control.cancel(task.job_id)
    again = await admit(stores, paper)
    assert (again.document_id, again.duplicate_of) == (task.document_id, None)
    [fresh] = await claim(stores)
    assert fresh.version == 2, "late writes of the cancelled version must not mix with the new one"


# --- retry


async def test_retry_restarts_failed_paper_as_new_version(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.fail(task, DAMAGED)
    assert await stores.job_control.retry(task.job_id) == 1
    job = await stores.jobs.job(task.job_id)
    assert (job.status, job.finished_at, job.expires_at) == (JobStatus.QUEUED, None, None)
    assert await status_of(stores, task) == DocumentStatus.PROCESSING
    [again] = await claim(stores)
    assert (again.task_id, again.version, again.attempt, again.error) == (task.task_id, 2, 1, None)
    assert again.lease_token > task.lease_token
    await stores.queue.finish(again, DONE)
    assert (await stores.jobs.job(task.job_id)).status == JobStatus.COMPLETED
    assert (await stores.documents.get(task.document_id)).version == 2


async def test_retry_resumes_from_last_checkpoint(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, LATER)
    [later] = await claim(stores, lane=Lane.LAYOUT)
    await stores.queue.fail(later, DAMAGED)
    assert await stores.job_control.retry(task.job_id) == 1
    [again] = await claim(stores, lane=Lane.LAYOUT)
    assert (again.step, again.version, again.attempt) == (Step.LAYOUT, 1, 1)
    assert await status_of(stores, task) == DocumentStatus.READY


async def test_retry_resets_attempts(stores: Stores) -> None:
    await begin(stores)
    for _ in range(MAX_ATTEMPTS):
        await stores.advance(3600)
        await stores.queue.sweep(base_seconds=0)
        await claim(stores)
    assert await claim(stores) == []
    [job] = (await stores.jobs.jobs()).items
    await stores.job_control.retry(job.job_id)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        [task] = await claim(stores)
        assert task.attempt == attempt
        await stores.advance(3600)
        await stores.queue.sweep(base_seconds=0)


async def test_cancelled_job_can_be_retried(stores: Stores) -> None:
    tasks = await folder(stores)
    await claim(stores, limit=1, lane=Lane.BULK)
    await stores.job_control.cancel(tasks[0].job_id)
    assert await stores.job_control.retry(tasks[0].job_id) == 3
    assert not (await stores.jobs.job(tasks[0].job_id)).cancel_requested
    for task in await claim(stores, lane=Lane.BULK):
        await stores.queue.finish(task, DONE)
    assert (await stores.jobs.job(tasks[0].job_id)).status == JobStatus.COMPLETED


async def test_retry_requeues_papers_with_failed_pages(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, UNREAD)
    assert await stores.job_control.retry(task.job_id) == 1
    assert await status_of(stores, task) == DocumentStatus.READY
    [again] = await claim(stores, lane=Lane.OCR)
    assert (again.step, again.version) == (Step.OCR, 1)
    await stores.queue.finish(again, DONE)
    assert await stores.job_control.retry(task.job_id) == 0


async def test_retry_of_failed_reingest_opens_new_version(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    [second] = await claim(stores)
    await stores.queue.fail(second, DAMAGED)
    await stores.job_control.retry(second.job_id)
    assert (await stores.documents.get(name)).version == 1
    [third] = await claim(stores)
    assert (second.version, third.version) == (2, 3)
    await stores.queue.finish(third, DONE)
    assert (await stores.documents.get(name)).version == 3


async def test_retry_skips_papers_processed_meanwhile(stores: Stores) -> None:
    paper = upload()
    task = await begin(stores, paper)
    await stores.queue.fail(task, DAMAGED)
    await ready(stores, paper)
    assert await stores.job_control.retry(task.job_id) == 1
    assert await claim(stores) == []
    assert (await task_now(stores, task)).status == TaskStatus.COMPLETED


async def test_retry_skips_deleted_and_completed_papers(stores: Stores) -> None:
    tasks = await folder(stores, 2)
    done, gone = await claim(stores, lane=Lane.BULK)
    await stores.queue.finish(done, DONE)
    await stores.queue.fail(gone, DAMAGED)
    await stores.documents.delete(gone.document_id)
    assert await stores.job_control.retry(tasks[0].job_id) == 0
    assert (await stores.jobs.job(tasks[0].job_id)).status == JobStatus.PARTIAL


# --- failures


async def test_failures_list_tasks_and_pages(stores: Stores) -> None:
    tasks = await folder(stores, 4)
    held = await claim(stores, lane=Lane.BULK)
    await stores.queue.finish(held[0], DONE)
    await stores.queue.finish(held[1], UNREAD)
    await stores.queue.fail(held[2], DAMAGED)
    await stores.queue.fail(held[3], DAMAGED)
    page = await stores.job_control.failures(tasks[0].job_id, limit=2)
    rest = await stores.job_control.failures(tasks[0].job_id, cursor=page.next_cursor, limit=2)
    found = [(one.task.task_id, one.task.error, one.pages_failed) for one in page.items]
    found += [(one.task.task_id, one.task.error, one.pages_failed) for one in rest.items]
    assert found == [
        (held[3].task_id, DAMAGED, ()),
        (held[2].task_id, DAMAGED, ()),
        (held[1].task_id, None, (2,)),
    ]
    assert rest.next_cursor is None


@pytest.mark.parametrize("order", ["cancel", "retry", "failures", "acknowledge"])
async def test_job_control_raises_for_unknown_and_purged_jobs(stores: Stores, order: str) -> None:
    with pytest.raises(NotFound, match="job_unknown"):
        await getattr(stores.job_control, order)("job_unknown")
    task = await begin(stores)
    await stores.queue.finish(task, DONE)
    await stores.advance(8 * DAY)
    await stores.jobs.purge()
    with pytest.raises(Expired):
        await getattr(stores.job_control, order)(task.job_id)


# --- acknowledged failures


async def failed_job(stores: Stores, collection: str = "papers") -> str:
    """Returns the id of a job whose only paper has failed."""
    await admit(stores, collection=collection)
    [task] = await claim(stores)
    await stores.queue.fail(task, DAMAGED)
    return task.job_id


async def unacknowledged(stores: Stores, **options: Any) -> list[str]:
    listed = await stores.jobs.jobs(unacknowledged=True, **options)
    return [job.job_id for job in listed.items]


async def test_failures_are_open_until_acknowledged(stores: Stores) -> None:
    open_job = await begin(stores)
    with pytest.raises(Conflict, match="has not ended"):
        await stores.job_control.acknowledge(open_job.job_id)
    await stores.queue.finish(open_job, DONE)
    assert not await stores.job_control.acknowledge(open_job.job_id), "no paper has failed"
    job_id = await failed_job(stores)
    assert await unacknowledged(stores) == [job_id]
    assert await stores.jobs.count_unacknowledged() == 1
    with acting_as("key one"):
        assert await stores.job_control.acknowledge(job_id)
    with acting_as("key two"):
        assert not await stores.job_control.acknowledge(job_id)
    assert (await stores.jobs.job(job_id)).acknowledged_by == "key one"
    assert await unacknowledged(stores) == []
    assert await stores.jobs.count_unacknowledged() == 0


async def test_retry_makes_an_acknowledgement_void(stores: Stores) -> None:
    job_id = await failed_job(stores)
    await stores.job_control.acknowledge(job_id)
    await stores.job_control.retry(job_id)
    job = await stores.jobs.job(job_id)
    assert (job.acknowledged_at, job.acknowledged_by) == (None, None)
    assert await unacknowledged(stores) == [], "the job is open"
    [task] = await claim(stores)
    await stores.queue.fail(task, DAMAGED)
    assert await unacknowledged(stores) == [job_id]


async def test_all_failures_of_a_collection_or_until_a_time_are_acknowledged(
    stores: Stores,
) -> None:
    first, second = await failed_job(stores), await failed_job(stores)
    other = await failed_job(stores, "other")
    ended = (await stores.jobs.job(first)).finished_at
    assert await stores.jobs.count_unacknowledged(["other"]) == 1
    assert await unacknowledged(stores, among=["other"]) == [other]
    assert await stores.job_control.acknowledge_all(until=ended) == 1
    assert await unacknowledged(stores) == [other, second]
    assert await stores.job_control.acknowledge_all(among=[]) == 0
    assert await stores.job_control.acknowledge_all(collection="papers") == 1
    assert await unacknowledged(stores) == [other]
    assert await stores.job_control.acknowledge_all() == 1


async def test_unacknowledged_failures_are_not_purged_for_a_year(stores: Stores) -> None:
    seen, unseen = await failed_job(stores), await failed_job(stores)
    await stores.job_control.acknowledge(seen)
    await stores.advance(8 * DAY)
    assert await stores.jobs.purge() == 1
    assert await unacknowledged(stores) == [unseen]
    job = await stores.jobs.job(unseen)
    assert job.finished_at and job.expires_at
    assert (job.expires_at - job.finished_at).days == 365
    await stores.advance(365 * DAY)
    assert await stores.jobs.purge() == 1
    assert await unacknowledged(stores) == []


async def test_file_name_of_a_deleted_paper_is_not_kept_for_a_failure(stores: Stores) -> None:
    job_id = await failed_job(stores)
    [task] = await stores.jobs.tasks(job_id)
    await stores.documents.delete(task.document_id)
    await stores.advance(8 * DAY)
    assert await stores.jobs.purge() == 1
    assert await stores.jobs.tasks(job_id) == []
