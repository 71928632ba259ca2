"""Job store: admission, job details, listing, purging. Same tests on both stores."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from domain.documents import DocumentStatus
from domain.errors import Conflict, Expired, InvalidRequest, NotFound
from domain.jobs import Counts, JobStatus, Lane, OnDuplicate, TaskStatus
from tests.stores.postgres import MAX_ATTEMPTS, Stores
from tests.stores.work import (
    DAMAGED,
    DAY,
    DONE,
    admit,
    begin,
    claim,
    claim_one,
    ready,
    task_now,
    upload,
)

RETURN, REPROCESS, REJECT = OnDuplicate.RETURN, OnDuplicate.REPROCESS, OnDuplicate.REJECT


async def test_admit_creates_job_task_and_document(stores: Stores) -> None:
    paper = upload(filename="of mice.pdf")
    (admission,) = await stores.jobs.admit("papers", [paper], kind="upload")
    assert (admission.filename, admission.duplicate_of) == ("of mice.pdf", None)
    job = await stores.jobs.job(admission.job_id)
    assert (job.kind, job.lane, job.collection) == ("upload", Lane.INTERACTIVE, "papers")
    assert (job.status, job.counts, job.queue_position) == (JobStatus.QUEUED, Counts(queued=1), 1)
    assert job.expires_at is None and not job.cancel_requested
    (task,) = await stores.jobs.tasks(admission.job_id)
    assert (task.task_id, task.document_id) == (admission.task_id, admission.document_id)
    assert (task.sha256, task.filename, task.version) == (paper.sha256, "of mice.pdf", 1)
    assert (task.status, task.attempt) == (TaskStatus.QUEUED, 0)
    assert task.max_attempts == MAX_ATTEMPTS
    document = await stores.documents.get(admission.document_id)
    assert (document.sha256, document.bytes) == (paper.sha256, paper.bytes)
    assert (document.status, document.version) == (DocumentStatus.PROCESSING, 1)


async def test_job_has_one_task_per_upload_in_order(stores: Stores) -> None:
    papers = [upload() for _ in range(7)]
    admitted = await stores.jobs.admit("papers", papers, kind="folder", lane=Lane.BULK)
    assert len({one.job_id for one in admitted}) == 1
    tasks = await stores.jobs.tasks(admitted[0].job_id)
    assert [task.filename for task in tasks] == [paper.filename for paper in papers]
    assert [task.task_id for task in tasks] == [one.task_id for one in admitted]
    assert len(await stores.jobs.tasks(admitted[0].job_id, limit=3)) == 3
    assert await stores.jobs.tasks(admitted[0].job_id, limit=3, first=5) == tasks[5:]
    ids = {one.task_id for one in tasks[2:4]}
    assert await stores.jobs.filenames(ids | {uuid.uuid4()}) == {
        one.task_id: one.filename for one in tasks[2:4]
    }


async def test_same_content_in_two_collections_gives_two_documents(stores: Stores) -> None:
    paper = upload()
    one = await admit(stores, paper, collection="one")
    two = await admit(stores, paper, collection="two")
    assert one.document_id != two.document_id and two.duplicate_of is None


@pytest.mark.parametrize("policy", [RETURN, REPROCESS])
async def test_duplicate_of_running_paper_shares_its_version(
    stores: Stores, policy: OnDuplicate
) -> None:
    paper = upload()
    first = await admit(stores, paper)
    again = await admit(stores, paper, on_duplicate=policy)
    assert again.duplicate_of == again.document_id == first.document_id
    task = await task_now(stores, again)
    assert (task.version, task.status) == (1, TaskStatus.QUEUED)


async def test_duplicate_of_searchable_paper_completes_immediately(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    again = await admit(stores, paper)
    assert again.duplicate_of == again.document_id == name
    task = await task_now(stores, again)
    assert (task.status, task.version, task.attempt) == (TaskStatus.COMPLETED, 1, 0)
    assert (task.pages_done, task.chunks_done) == (DONE.pages, DONE.chunks)
    assert task.searchable_at and task.finished_at
    job = await stores.jobs.job(again.job_id)
    assert (job.status, job.counts) == (JobStatus.COMPLETED, Counts(completed=1))
    assert job.finished_at and job.expires_at
    assert await claim(stores) == []


async def test_duplicate_is_reprocessed_on_request(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    again = await admit(stores, paper, on_duplicate=REPROCESS)
    assert again.duplicate_of == name
    assert (await stores.documents.get(name)).version == 1, (
        "the old version stays searchable meanwhile"
    )
    task = await claim_one(stores)
    assert (task.task_id, task.version) == (again.task_id, 2)
    await stores.queue.finish(task, DONE)
    document = await stores.documents.get(name)
    assert (document.version, document.status) == (2, DocumentStatus.READY)


@pytest.mark.parametrize("searchable", [True, False])
async def test_rejected_duplicate_rejects_whole_request(stores: Stores, searchable: bool) -> None:
    paper, other = upload(), upload()
    await (ready if searchable else admit)(stores, paper)
    with pytest.raises(Conflict, match=paper.filename):
        await stores.jobs.admit("papers", [other, paper], on_duplicate=REJECT)
    assert len((await stores.jobs.jobs()).items) == 1
    assert len((await stores.documents.list()).items) == 1


@pytest.mark.parametrize("policy", OnDuplicate)
async def test_upload_of_failed_document_restarts_it(stores: Stores, policy: OnDuplicate) -> None:
    task = await begin(stores, upload("same", filename="bad.pdf"))
    await stores.queue.fail(task, DAMAGED)
    again = await admit(stores, upload("same", filename="good.pdf"), on_duplicate=policy)
    assert again.duplicate_of is None and again.document_id == task.document_id
    document = await stores.documents.get(again.document_id)
    assert (document.status, document.version) == (DocumentStatus.PROCESSING, 2)
    assert document.filename == "good.pdf"
    assert (await claim_one(stores)).version == 2


@pytest.mark.parametrize("policy", OnDuplicate)
async def test_upload_of_deleted_document_opens_higher_version(
    stores: Stores, policy: OnDuplicate
) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await stores.documents.delete(name)
    again = await admit(stores, paper, on_duplicate=policy)
    assert (again.document_id, again.duplicate_of) == (name, None)
    document = await stores.documents.get(name)
    assert (document.status, document.version) == (DocumentStatus.PROCESSING, 2)
    assert (document.title, document.chunks, document.searchable_at) == (None, 0, None)
    assert (await claim_one(stores)).version == 2


@pytest.mark.parametrize("policy", [RETURN, REPROCESS])
@pytest.mark.parametrize("before", ["never seen", "searchable", "failed"])
async def test_repeated_file_in_one_request_is_duplicate(
    stores: Stores, policy: OnDuplicate, before: str
) -> None:
    paper = upload("twice", filename="first.pdf")
    if before == "searchable":
        await ready(stores, paper)
    if before == "failed":
        await stores.queue.fail(await begin(stores, paper), DAMAGED)
    one, two = await stores.jobs.admit(
        "papers", [paper, upload("twice", filename="second.pdf")], on_duplicate=policy
    )
    assert one.document_id == two.document_id and one.task_id != two.task_id
    assert two.duplicate_of == two.document_id
    assert one.duplicate_of == (one.document_id if before == "searchable" else None)
    tasks = await stores.jobs.tasks(one.job_id)
    assert len({task.version for task in tasks}) == 1
    assert (await stores.documents.get(one.document_id)).filename == "first.pdf"


async def test_repeated_file_in_one_request_can_be_rejected(stores: Stores) -> None:
    with pytest.raises(Conflict):
        await stores.jobs.admit("papers", [upload("twice"), upload("twice")], on_duplicate=REJECT)
    assert (await stores.jobs.jobs()).items == []


async def test_admit_adds_uploads_to_open_job(stores: Stores) -> None:
    first = await stores.jobs.admit("papers", [upload(), upload()])
    await claim(stores)
    more = await stores.jobs.admit("papers", [upload()], job_id=first[0].job_id)
    assert more[0].job_id == first[0].job_id
    tasks = await stores.jobs.tasks(first[0].job_id)
    assert [task.task_id for task in tasks] == [one.task_id for one in [*first, *more]]
    job = await stores.jobs.job(first[0].job_id)
    assert (job.counts, job.status) == (Counts(queued=1, running=2), JobStatus.RUNNING)


async def test_admit_accepts_job_id_of_caller(stores: Stores) -> None:
    (admission,) = await stores.jobs.admit("papers", [upload()], job_id="job_of_mine")
    assert admission.job_id == "job_of_mine"
    assert (await stores.jobs.job("job_of_mine")).counts.total == 1


async def test_ended_job_rejects_uploads(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, DONE)
    with pytest.raises(Conflict):
        await stores.jobs.admit("papers", [upload()], job_id=task.job_id)
    assert len((await stores.documents.list()).items) == 1


async def test_job_without_uploads_is_completed(stores: Stores) -> None:
    assert await stores.jobs.admit("papers", [], job_id="job_empty") == []
    assert (await stores.jobs.job("job_empty")).status == JobStatus.COMPLETED


async def test_concurrent_identical_uploads_create_one_document(stores: Stores) -> None:
    paper = upload()
    admitted = await asyncio.gather(*(admit(stores, paper) for _ in range(20)))
    assert len({one.document_id for one in admitted}) == 1
    assert sum(one.duplicate_of is None for one in admitted) == 1
    assert len({one.job_id for one in admitted}) == 20
    assert len((await stores.documents.list()).items) == 1


async def test_concurrent_admissions_in_different_order_do_not_deadlock(stores: Stores) -> None:
    papers = [upload() for _ in range(12)]
    orders = [papers, papers[::-1]] * 4
    await asyncio.gather(*(stores.jobs.admit("papers", order) for order in orders))
    assert len((await stores.documents.list()).items) == 12


async def test_admit_thousands_of_uploads(stores: Stores) -> None:
    admitted = await stores.jobs.admit("papers", [upload() for _ in range(4000)])
    assert (await stores.jobs.job(admitted[0].job_id)).counts.queued == 4000


@pytest.mark.parametrize(
    ("completed", "failed", "cancelled", "status"),
    [
        (2, 0, 0, JobStatus.COMPLETED),
        (1, 1, 0, JobStatus.PARTIAL),
        (1, 0, 1, JobStatus.PARTIAL),
        (0, 2, 0, JobStatus.FAILED),
        (0, 1, 1, JobStatus.FAILED),
        (0, 0, 2, JobStatus.CANCELLED),
    ],
)
async def test_job_status_derives_from_task_statuses(
    stores: Stores, completed: int, failed: int, cancelled: int, status: JobStatus
) -> None:
    await stores.jobs.admit("papers", [upload(), upload()])
    tasks = await claim(stores)
    moves = [*["complete"] * completed, *["fail"] * failed, *["delete"] * cancelled]
    for task, move in zip(tasks, moves, strict=True):
        assert (await stores.jobs.job(task.job_id)).status == JobStatus.RUNNING
        if move == "complete":
            await stores.queue.finish(task, DONE)
        elif move == "fail":
            await stores.queue.fail(task, DAMAGED)
        else:
            await stores.documents.delete(task.document_id)
    job = await stores.jobs.job(tasks[0].job_id)
    assert (job.status, job.finished_at is not None) == (status, True)
    assert job.counts == Counts(completed=completed, failed=failed, cancelled=cancelled)


async def test_job_with_retried_task_is_running(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.release(task)
    job = await stores.jobs.job(task.job_id)
    assert (job.status, job.queue_position) == (JobStatus.RUNNING, None)


async def test_queue_position_counts_tasks_ahead(stores: Stores) -> None:
    for _ in range(3):
        await admit(stores)
    await admit(stores, lane=Lane.BULK)
    mine = await admit(stores)
    await admit(stores)
    assert (await stores.jobs.job(mine.job_id)).queue_position == 4
    await claim(stores, limit=2)
    assert (await stores.jobs.job(mine.job_id)).queue_position == 2
    await claim(stores, limit=2)
    assert (await stores.jobs.job(mine.job_id)).queue_position is None


async def test_job_with_duplicates_and_new_papers_has_queue_position(stores: Stores) -> None:
    old = upload()
    await ready(stores, old)
    await admit(stores)
    one, _two = await stores.jobs.admit("papers", [old, upload()])
    job = await stores.jobs.job(one.job_id)
    assert (job.status, job.queue_position) == (JobStatus.QUEUED, 2)
    assert job.counts == Counts(queued=1, completed=1)


async def test_unknown_job_raises_not_found(stores: Stores) -> None:
    with pytest.raises(NotFound):
        await stores.jobs.job("job_unknown")
    assert await stores.jobs.tasks("job_unknown") == []


async def test_purged_job_is_expired_and_keeps_papers(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, DONE)
    waiting = await admit(stores)
    await stores.advance(6.9 * DAY)
    assert await stores.jobs.purge() == 0
    await stores.advance(0.2 * DAY)
    assert await stores.jobs.purge() == 1
    assert await stores.jobs.purge() == 0
    with pytest.raises(Expired):
        await stores.jobs.job(task.job_id)
    assert await stores.jobs.tasks(task.job_id) == []
    assert [job.job_id for job in (await stores.jobs.jobs()).items] == [waiting.job_id]
    assert (await stores.documents.get(task.document_id)).status == DocumentStatus.READY


async def test_job_has_expiry_time(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, DONE)
    job = await stores.jobs.job(task.job_id)
    assert job.expires_at and job.finished_at
    assert (job.expires_at - job.finished_at).total_seconds() == 7 * DAY


async def test_job_pages_contain_each_job_once(stores: Stores) -> None:
    names = [(await admit(stores)).job_id for _ in range(7)]
    seen, cursor = [], None
    while True:
        page = await stores.jobs.jobs(cursor=cursor, limit=3)
        seen += [job.job_id for job in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        await admit(stores)  # jobs created between two pages do not affect paging
    assert seen == names[::-1]


async def test_full_last_page_has_no_next_cursor(stores: Stores) -> None:
    for _ in range(4):
        await admit(stores)
    page = await stores.jobs.jobs(limit=2)
    assert (await stores.jobs.jobs(cursor=page.next_cursor, limit=2)).next_cursor is None


async def test_job_store_filters_jobs_by_status_and_collection(stores: Stores) -> None:
    done = await begin(stores)
    await stores.queue.finish(done, DONE)
    other = await admit(stores, collection="other")
    found = await stores.jobs.jobs(status=JobStatus.COMPLETED)
    assert [(job.job_id, job.counts.completed) for job in found.items] == [(done.job_id, 1)]
    [other] = (await stores.jobs.jobs(collection="other")).items
    assert (await stores.jobs.jobs(job_ids=[other.job_id, "job_unknown"])).items == [other]
    assert (await stores.jobs.jobs(job_ids=[other.job_id], among=["ours"])).items == []
    found = await stores.jobs.jobs(collection="other")
    assert [job.job_id for job in found.items] == [other.job_id]
    assert (await stores.jobs.jobs(status=JobStatus.FAILED)).items == []


@pytest.mark.parametrize("cursor", ["nonsense", "bm90IGEgY3Vyc29y", "é", "MjAyNXxq", "===="])
async def test_invalid_cursor_raises_invalid_request(stores: Stores, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        await stores.jobs.jobs(cursor=cursor)
    with pytest.raises(InvalidRequest):
        await stores.documents.list(cursor=cursor)
