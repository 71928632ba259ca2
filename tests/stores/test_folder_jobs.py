"""Registrations of folders: leases, progress, and the end of their jobs. On both stores."""

from __future__ import annotations

import pytest

from domain.errors import Conflict, LeaseLost, RefusedUpload, failure_of
from domain.folder_jobs import FolderJob, RefusedFile, Registration
from domain.jobs import JobStatus, Lane, Upload
from stores.postgres.audit_log import acting_as
from stores.postgres.job_store import ADMISSION_SECONDS
from tests.stores.postgres import Stores
from tests.stores.work import DAY, DONE, LEASE, claim, upload

JOB = "job_of_a_folder"
UNREADABLE = failure_of(RefusedUpload("The folder cannot be read."))


async def opened(stores: Stores) -> None:
    await stores.jobs.admit("papers", [], kind="folder", job_id=JOB, more_to_come=True)
    with acting_as("key 1"):
        await stores.folders.open(JOB, "/data/papers", "papers")


async def claimed(stores: Stores) -> FolderJob:
    job = await stores.folders.claim(LEASE)
    assert job is not None
    return job


async def admit(stores: Stores, *papers: Upload) -> None:
    await stores.jobs.admit("papers", papers, job_id=JOB, more_to_come=True, lane=Lane.BULK)


async def finish_tasks(stores: Stores) -> None:
    for task in await claim(stores, lane=Lane.BULK):
        await stores.queue.finish(task, DONE)


async def status(stores: Stores) -> JobStatus:
    return (await stores.jobs.job(JOB)).status


async def test_folder_job_is_claimed_by_one_job_manager(stores: Stores) -> None:
    await opened(stores)
    job = await claimed(stores)
    assert (job.job_id, job.folder, job.collection) == (JOB, "/data/papers", "papers")
    assert (job.actor, job.lease_token) == ("key 1", 1)
    assert await stores.folders.claim(LEASE) is None


async def test_folder_job_is_claimed_again_when_its_lease_has_expired(stores: Stores) -> None:
    await opened(stores)
    killed = await claimed(stores)
    await stores.advance(LEASE + 1)
    successor = await claimed(stores)
    assert successor.lease_token == killed.lease_token + 1
    for late in (
        stores.folders.record(killed, Registration(9), LEASE),
        stores.folders.release(killed),
        stores.folders.finish(killed, Registration(9)),
    ):
        with pytest.raises(LeaseLost):
            await late
    assert await stores.folders.get(JOB) == successor


async def test_recorded_progress_extends_the_lease(stores: Stores) -> None:
    await opened(stores)
    job = await claimed(stores)
    refused = (RefusedFile(filename="a/b.pdf", code="not_a_pdf", detail="The file is no PDF."),)
    await stores.advance(LEASE - 1)
    await stores.folders.record(job, Registration(3, 1, 1, refused), LEASE)
    await stores.advance(LEASE - 1)
    assert await stores.folders.claim(LEASE) is None
    now = await stores.folders.get(JOB)
    assert now is not None
    assert (now.registered, now.known, now.refused_files, now.refused) == (3, 1, 1, refused)


async def test_released_folder_job_is_claimed_after_the_delay(stores: Stores) -> None:
    await opened(stores)
    await stores.folders.release(await claimed(stores), 5)
    assert await stores.folders.claim(LEASE) is None
    await stores.advance(6)
    assert await stores.folders.claim(LEASE) is not None


async def test_unfinished_registration_keeps_its_job_open(stores: Stores) -> None:
    await opened(stores)
    await admit(stores, upload())
    await stores.advance(ADMISSION_SECONDS + 1)
    await finish_tasks(stores)
    assert await stores.jobs.close_abandoned() == 0
    assert await status(stores) == JobStatus.RUNNING
    await stores.folders.finish(await claimed(stores), Registration(1))
    assert await status(stores) == JobStatus.COMPLETED
    assert await stores.folders.claim(LEASE) is None


async def test_job_ends_with_its_last_task_after_the_registration(stores: Stores) -> None:
    await opened(stores)
    await admit(stores, upload())
    await stores.folders.finish(await claimed(stores), Registration(1))
    assert await status(stores) == JobStatus.QUEUED
    await finish_tasks(stores)
    assert await status(stores) == JobStatus.COMPLETED


@pytest.mark.parametrize(("papers", "expected"), [(0, JobStatus.FAILED), (1, JobStatus.PARTIAL)])
async def test_job_of_a_failed_registration_is_not_completed(
    stores: Stores, papers: int, expected: JobStatus
) -> None:
    await opened(stores)
    await admit(stores, *(upload() for _ in range(papers)))
    await finish_tasks(stores)
    await stores.folders.finish(await claimed(stores), Registration(papers), UNREADABLE)
    assert await status(stores) == expected
    job = await stores.folders.get(JOB)
    assert job is not None and job.error == UNREADABLE


@pytest.mark.parametrize(("papers", "expected"), [(0, JobStatus.CANCELLED), (1, JobStatus.PARTIAL)])
async def test_cancelled_job_stops_its_registration(
    stores: Stores, papers: int, expected: JobStatus
) -> None:
    await opened(stores)
    job = await claimed(stores)
    await admit(stores, *(upload() for _ in range(papers)))
    await finish_tasks(stores)
    await stores.job_control.cancel(JOB)
    assert await status(stores) == expected
    with pytest.raises(LeaseLost):
        await stores.folders.record(job, Registration(papers), LEASE)
    with pytest.raises(Conflict):
        await admit(stores, upload())
    assert await stores.folders.claim(LEASE) is None
    stopped = await stores.folders.get(JOB)
    assert stopped is not None and stopped.error and stopped.error.code == "cancelled"


async def test_purge_deletes_the_folder_of_a_job(stores: Stores) -> None:
    await opened(stores)
    await stores.folders.finish(await claimed(stores), Registration())
    await stores.advance(8 * DAY)
    assert await stores.jobs.purge() == 1
    assert await stores.folders.get(JOB) is None
