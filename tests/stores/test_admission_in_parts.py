"""Admission of a job in several parts: open until the last part. On both stores."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import Conflict
from domain.jobs import Counts, JobStatus, Upload
from stores.postgres.job_store import ADMISSION_SECONDS
from tests.stores.postgres import Stores
from tests.stores.work import DAMAGED, DAY, DONE, begin, claim, claim_one, ready, upload

JOB = "job_of_a_folder"


async def send(stores: Stores, *papers: Upload | None, more_to_come: bool = True) -> None:
    """Admits one part of a folder; None stands for a new paper."""
    uploads = [paper or upload() for paper in papers]
    await stores.jobs.admit("papers", uploads, job_id=JOB, more_to_come=more_to_come)


async def status(stores: Stores) -> JobStatus:
    return (await stores.jobs.job(JOB)).status


async def test_admission_in_parts_keeps_job_open(stores: Stores) -> None:
    await send(stores, None)
    assert await status(stores) == JobStatus.QUEUED
    await stores.queue.finish(await claim_one(stores), DONE)
    job = await stores.jobs.job(JOB)
    assert (job.status, job.counts) == (JobStatus.RUNNING, Counts(completed=1))
    assert job.finished_at is None
    await send(stores, None, more_to_come=False)
    await stores.queue.fail(await claim_one(stores), DAMAGED)
    job = await stores.jobs.job(JOB)
    assert (job.status, job.counts) == (JobStatus.PARTIAL, Counts(completed=1, failed=1))
    assert job.finished_at


async def test_admission_part_of_duplicates_keeps_job_open(stores: Stores) -> None:
    paper = upload()
    await ready(stores, paper)
    await send(stores, paper)
    job = await stores.jobs.job(JOB)
    assert (job.status, job.queue_position) == (JobStatus.QUEUED, None)
    await send(stores, paper, more_to_come=False)
    assert await status(stores) == JobStatus.COMPLETED


async def test_empty_last_part_ends_admission(stores: Stores) -> None:
    await send(stores, None)
    await stores.queue.finish(await claim_one(stores), DONE)
    await send(stores, more_to_come=False)
    assert await status(stores) == JobStatus.COMPLETED


async def test_empty_last_part_keeps_job_with_open_tasks_running(stores: Stores) -> None:
    await send(stores, None)
    await send(stores, more_to_come=False)
    assert await status(stores) == JobStatus.QUEUED
    await stores.queue.finish(await claim_one(stores), DONE)
    assert await status(stores) == JobStatus.COMPLETED


async def test_deletion_between_parts_keeps_job_open(stores: Stores) -> None:
    await send(stores, None)
    await stores.documents.delete((await claim_one(stores)).document_id)
    assert await status(stores) == JobStatus.RUNNING
    await send(stores, None, more_to_come=False)
    assert (await stores.jobs.job(JOB)).counts == Counts(queued=1, cancelled=1)


async def test_job_of_dead_client_is_closed_after_timeout(stores: Stores) -> None:
    await send(stores, None)
    await stores.queue.finish(await claim_one(stores), DONE)
    await stores.advance(ADMISSION_SECONDS - 5)
    assert await stores.jobs.close_abandoned() == 0
    await stores.advance(10)
    assert await status(stores) == JobStatus.RUNNING
    assert await stores.jobs.close_abandoned() == 1
    assert await stores.jobs.close_abandoned() == 0
    assert await status(stores) == JobStatus.COMPLETED
    with pytest.raises(Conflict):
        await send(stores, None)


async def test_job_of_dead_client_stays_open_while_tasks_are_open(stores: Stores) -> None:
    await send(stores, None)
    await stores.advance(ADMISSION_SECONDS + 5)
    assert await stores.jobs.close_abandoned() == 0
    await stores.queue.finish(await claim_one(stores), DONE)
    assert await status(stores) == JobStatus.COMPLETED
    assert await stores.jobs.close_abandoned() == 0


@pytest.mark.parametrize("papers", [(), (None,)])
async def test_each_part_extends_admission_timeout(
    stores: Stores, papers: tuple[None, ...]
) -> None:
    await send(stores, None)
    for _ in range(3):
        await stores.advance(ADMISSION_SECONDS - 5)
        await send(stores, *papers)
        for task in await claim(stores):
            await stores.queue.finish(task, DONE)
    assert await stores.jobs.close_abandoned() == 0
    assert await status(stores) == JobStatus.RUNNING


async def test_empty_part_of_ended_job_is_accepted(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.finish(task, DONE)
    before = await stores.jobs.job(task.job_id)
    for more_to_come in (True, False):
        admitted = await stores.jobs.admit(
            "papers", [], job_id=task.job_id, more_to_come=more_to_come
        )
        assert admitted == []
    await stores.advance(DAY)
    assert await stores.jobs.close_abandoned() == 0
    assert (await stores.jobs.job(task.job_id)).status == before.status


async def test_concurrent_last_part_and_last_task_close_job_once(stores: Stores) -> None:
    """The second of two concurrent transactions sees the first one and closes the job."""
    for number in range(10):
        (admission,) = await stores.jobs.admit(
            "papers", [upload()], job_id=f"job_{number}", more_to_come=True
        )
        task = await claim_one(stores)
        await asyncio.gather(
            stores.queue.finish(task, DONE),
            stores.jobs.admit("papers", [], job_id=admission.job_id),
        )
        assert (await stores.jobs.job(task.job_id)).status == JobStatus.COMPLETED
