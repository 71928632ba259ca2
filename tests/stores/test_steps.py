"""The steps of a task: each is a checkpoint with its own claim, and the paper stays searchable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.documents import DocumentFilter, DocumentStatus
from domain.errors import LeaseLost
from domain.jobs import (
    JobStatus,
    Lane,
    OnDuplicate,
    Progress,
    Step,
    StepResult,
    TaskStatus,
    WaitFor,
)
from domain.papers import Author, Metadata
from tests.stores.postgres import Stores
from tests.stores.work import DAMAGED, DONE, admit, begin, claim, claim_one, task_now, upload

THEN_LAYOUT = replace(DONE, next_step=Step.LAYOUT)
NONE, UNLISTED = (0, 0, 0), {"queue_position": None}
NO_TEXT = StepResult(Metadata(), pages=3, chunks=0, artifact_key="read/1", next_step=Step.OCR)


async def document_status(stores: Stores, document_id: str) -> DocumentStatus:
    return (await stores.documents.get(document_id)).status


async def test_paper_is_searchable_after_first_step(
    stores: Stores,
) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, THEN_LAYOUT)
    now = await task_now(stores, task)
    assert (now.status, now.step, now.lane) == (TaskStatus.QUEUED, Step.LAYOUT, Lane.LAYOUT)
    assert now.searchable_at is not None
    assert (now.attempt, now.chunks_done, now.pages_done) == (0, 7, 0)
    assert await document_status(stores, task.document_id) == DocumentStatus.READY
    assert (await stores.jobs.job(task.job_id)).status == JobStatus.RUNNING


async def test_last_step_completes_task(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, THEN_LAYOUT)
    first_shown = (await task_now(stores, task)).searchable_at
    (later,) = await claim(stores, lane=Lane.LAYOUT)
    assert later.lease_token > task.lease_token
    await stores.queue.finish(later, replace(DONE, chunks=9, tables=2, figures=1))
    now = await task_now(stores, task)
    assert (now.status, now.chunks_done) == (TaskStatus.COMPLETED, 9)
    assert now.searchable_at == first_shown
    document = await stores.documents.get(task.document_id)
    assert (document.chunks, document.tables, document.figures) == (9, 2, 1)
    assert (await stores.jobs.job(task.job_id)).status == JobStatus.COMPLETED


async def test_paper_without_text_is_hidden_until_ocr(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, NO_TEXT)
    now = await task_now(stores, task)
    assert (now.step, now.lane, now.searchable_at) == (Step.OCR, Lane.OCR, None)
    assert await document_status(stores, task.document_id) == DocumentStatus.PROCESSING
    (scanned,) = await claim(stores, lane=Lane.OCR)
    await stores.queue.finish(scanned, DONE)
    assert await document_status(stores, task.document_id) == DocumentStatus.READY


async def test_worker_of_previous_step_is_fenced(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, THEN_LAYOUT)
    with pytest.raises(LeaseLost):
        await stores.queue.fail(task, DAMAGED)
    with pytest.raises(LeaseLost):
        await stores.queue.finish(task, DONE)
    assert (await task_now(stores, task)).step == Step.LAYOUT


async def test_failed_later_step_keeps_paper_searchable_for_review(
    stores: Stores,
) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, THEN_LAYOUT)
    (later,) = await claim(stores, lane=Lane.LAYOUT)
    await stores.queue.fail(later, DAMAGED)
    document = await stores.documents.get(task.document_id)
    assert (document.status, document.needs_review) == (DocumentStatus.READY, True)
    assert (await task_now(stores, task)).status == TaskStatus.FAILED
    marked = await stores.documents.list(DocumentFilter(needs_review=True))
    assert [one.document_id for one in marked.items] == [task.document_id]
    assert not (await stores.documents.list(DocumentFilter(needs_review=False))).items


async def test_queued_duplicate_completes_after_first_step(
    stores: Stores,
) -> None:
    task = await begin(stores, upload("same"))
    copy = await admit(stores, upload("same"))
    await stores.queue.finish(task, THEN_LAYOUT)
    assert await claim(stores) == []
    assert (await task_now(stores, copy)).status == TaskStatus.COMPLETED
    assert len(await claim(stores, lane=Lane.LAYOUT)) == 1


async def test_urgent_layout_tasks_precede_bulk_ones(stores: Stores) -> None:
    for lane in (Lane.BULK, Lane.INTERACTIVE):
        await admit(stores, upload(f"{lane}"), lane=lane)
        (task,) = await claim(stores, lane=lane)
        await stores.queue.finish(task, THEN_LAYOUT)
    order = [task.filename for task in await claim(stores, lane=Lane.LAYOUT)]
    assert order == ["interactive.pdf", "bulk.pdf"]


async def test_partial_paper_is_searchable_during_processing(
    stores: Stores,
) -> None:
    task = await begin(stores, upload("thesis"))
    beginning = Progress(pages_done=40, pages_total=600, chunks_done=256, searchable=True)
    await stores.queue.report(task, beginning)
    document = await stores.documents.get(task.document_id)
    assert (document.status, document.chunks) == (DocumentStatus.READY, 256)
    now = await task_now(stores, task)
    assert (now.status, now.chunks_done) == (TaskStatus.RUNNING, 256)
    assert now.searchable_at is not None
    await stores.queue.release(task)
    again = await claim_one(stores)  # a partial version is not complete: it is processed again
    assert again.task_id == task.task_id
    await stores.queue.fail(again, DAMAGED)
    document = await stores.documents.get(task.document_id)
    assert (document.status, document.needs_review) == (DocumentStatus.READY, True)


async def test_partial_new_version_does_not_replace_old_version(
    stores: Stores,
) -> None:
    task = await begin(stores, upload("again"))
    await stores.queue.finish(task, DONE)
    await admit(stores, upload("again"), on_duplicate=OnDuplicate.REPROCESS)
    second = await claim_one(stores)
    await stores.queue.report(second, Progress(chunks_done=1, pages_total=3, searchable=True))
    document = await stores.documents.get(task.document_id)
    assert (document.version, document.chunks) == (1, 7)


async def test_step_result_is_stored_in_document(stores: Stores) -> None:
    task = await begin(stores)
    metadata = Metadata(
        title="On jobs",
        authors=(Author("Ada Lovelace", "Ada", "Lovelace"), Author("The Team")),
        abstract="Nothing is lost.",
        keywords=("jobs", "leases"),
        doi="10.1234/jobs",
        arxiv_id="2101.00001",
        year=2021,
        language="en",
    )
    quality = {"pages_read": 3, "tables": {"ruled": 1}}
    done = replace(DONE, metadata=metadata, quality=quality, needs_review=True)
    await stores.queue.finish(task, done)
    document = await stores.documents.get(task.document_id)
    assert document.authors == metadata.authors
    assert document.keywords == metadata.keywords
    assert (document.doi, document.arxiv_id, document.year) == ("10.1234/jobs", "2101.00001", 2021)
    assert (document.abstract, document.language) == ("Nothing is lost.", "en")
    assert (dict(document.quality), document.needs_review) == (quality, True)


async def test_job_progress_sums_task_progress(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.report(task, Progress(5, 10, 35, 70))
    shares = [(await stores.jobs.job(task.job_id)).shares_done]
    await stores.queue.finish(task, THEN_LAYOUT)
    shares.append((await stores.jobs.job(task.job_id)).shares_done)
    (later,) = await claim(stores, lane=Lane.LAYOUT)
    await stores.queue.report(later, Progress(pages_done=1, pages_total=2))
    shares.append((await stores.jobs.job(task.job_id)).shares_done)
    await stores.queue.finish(later, DONE)
    shares.append((await stores.jobs.job(task.job_id)).shares_done)
    assert shares == pytest.approx([0.6 * 0.5, 0.85, 0.85 + 0.15 / 2, 1.0])


async def test_job_counts_papers_in_each_step_and_pages_read(stores: Stores) -> None:
    papers = [upload() for _ in range(5)]
    job_id = (await stores.jobs.admit("papers", papers))[0].job_id

    async def steps() -> dict[Step, tuple[int, int, int]]:
        job = await stores.jobs.job(job_id)
        assert list((await stores.jobs.jobs()).items) == [job.model_copy(update=UNLISTED)]
        return {one.step: (one.waiting, one.reading, one.embedding) for one in job.steps}

    assert await steps() == {Step.READ_TEXT: (5, 0, 0), Step.OCR: NONE, Step.LAYOUT: NONE}
    starts, reads, embeds, waits = await claim(stores, limit=4)
    await stores.queue.report(reads, Progress(pages_done=1, pages_total=3))
    await stores.queue.report(embeds, Progress(pages_done=3, pages_total=3, chunks_total=7))
    await stores.queue.finish(waits, THEN_LAYOUT)
    assert await steps() == {Step.READ_TEXT: (1, 2, 1), Step.OCR: NONE, Step.LAYOUT: (1, 0, 0)}
    (laid_out,) = await claim(stores, lane=Lane.LAYOUT)
    await stores.queue.report(laid_out, Progress(pages_done=1, pages_total=3))
    await stores.queue.finish(embeds, NO_TEXT)
    await stores.queue.fail(starts, DAMAGED)
    assert await steps() == {Step.READ_TEXT: (1, 1, 0), Step.OCR: (1, 0, 0), Step.LAYOUT: (0, 1, 0)}
    job = await stores.jobs.job(job_id)
    assert (job.pages_read, job.pages_done, job.chunks_done) == (1 + 3 + 3, 1 + 1, 7)
    await stores.queue.retry(reads, DAMAGED, delay_seconds=60)
    assert (await steps())[Step.READ_TEXT] == (2, 0, 0)
    await stores.job_control.cancel(job_id)
    assert set((await steps()).values()) == {NONE}


async def test_has_come_reports_searchable_and_finished_jobs(stores: Stores) -> None:
    async def come() -> list[bool]:
        return [await stores.jobs.has_come(task.job_id, until) for until in WaitFor]

    task = await begin(stores)
    assert await come() == [False, False]
    await stores.queue.finish(task, THEN_LAYOUT)
    assert await come() == [False, True]
    (later,) = await claim(stores, lane=Lane.LAYOUT)
    await stores.queue.finish(later, DONE)
    assert await come() == [True, True]
    assert await stores.jobs.has_come("job_of_nobody", WaitFor.DONE)
