"""Leases: heartbeats, sweeps, fencing of stale workers. Same tests on both stores."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from domain.documents import DocumentStatus
from domain.errors import LeaseLost
from domain.jobs import JobStatus, Progress, Task, TaskStatus
from tests.stores.postgres import MAX_ATTEMPTS, Stores
from tests.stores.work import (
    AWAY,
    DAMAGED,
    DONE,
    LEASE,
    admit,
    begin,
    claim,
    claim_one,
    task_now,
    upload,
)


async def test_heartbeat_extends_lease(stores: Stores) -> None:
    task = await begin(stores)
    for _ in range(3):
        await stores.advance(LEASE - 5)
        assert await stores.queue.heartbeat([task], LEASE) == {task.task_id}
        assert await stores.queue.sweep() == 0


async def test_heartbeat_extends_own_leases_only(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(4)])
    kept, ended, requeued, taken = await claim(stores)
    await stores.queue.finish(ended, DONE)
    await stores.queue.release(taken)
    await stores.queue.retry(requeued, AWAY, delay_seconds=60)
    other = await claim_one(stores)
    assert other.task_id == taken.task_id
    await stores.advance(LEASE - 5)
    beaten = await stores.queue.heartbeat([kept, ended, requeued, taken], LEASE)
    assert beaten == {kept.task_id}
    await stores.advance(10)
    assert await stores.queue.sweep() == 1
    assert (await task_now(stores, other)).status == TaskStatus.QUEUED
    assert (await task_now(stores, kept)).status == TaskStatus.RUNNING


async def test_heartbeat_without_tasks_does_nothing(stores: Stores) -> None:
    assert await stores.queue.heartbeat([], LEASE) == set()


async def test_sweep_requeues_expired_task_isolated(stores: Stores) -> None:
    task = await begin(stores)
    assert await stores.queue.sweep() == 0
    await stores.advance(LEASE + 1)
    assert await stores.queue.sweep(base_seconds=10) == 1
    swept = await task_now(stores, task)
    assert (swept.status, swept.isolate, swept.attempt) == (TaskStatus.QUEUED, True, 1)
    assert swept.error and swept.error.code == "worker_crashed"
    await stores.advance(4)
    assert await claim(stores) == [], "the shortest backoff is half the base"
    await stores.advance(7)
    assert (await claim_one(stores)).attempt == 2


async def test_crashing_document_fails_after_max_attempts(stores: Stores) -> None:
    admission = await admit(stores)
    for _ in range(MAX_ATTEMPTS):
        await claim_one(stores)
        await stores.advance(LEASE + 1)
        assert await stores.queue.sweep(base_seconds=0) == 1
    task = await task_now(stores, admission)
    assert (task.status, task.attempt) == (TaskStatus.FAILED, MAX_ATTEMPTS)
    assert task.error and task.error.code == "worker_crashed"
    assert (await stores.jobs.job(admission.job_id)).status == JobStatus.FAILED
    document = await stores.documents.get(admission.document_id)
    assert document.status == DocumentStatus.FAILED


async def test_concurrent_sweeps_requeue_each_task_once(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(10)])
    await claim(stores)
    await stores.advance(LEASE + 1)
    assert sum(await asyncio.gather(*(stores.queue.sweep() for _ in range(4)))) == 10


WRITES: dict[str, Callable[[Stores, Task], Awaitable[object]]] = {
    "report": lambda stores, task: stores.queue.report(task, Progress(pages_done=1)),
    "complete": lambda stores, task: stores.queue.finish(task, DONE),
    "fail": lambda stores, task: stores.queue.fail(task, DAMAGED),
    "retry": lambda stores, task: stores.queue.retry(task, AWAY, delay_seconds=0),
    "release": lambda stores, task: stores.queue.release(task),
}


@pytest.mark.parametrize("write", WRITES)
async def test_write_with_stale_lease_token_raises_lease_lost(stores: Stores, write: str) -> None:
    old = await begin(stores)
    await stores.advance(LEASE + 1)
    await stores.queue.sweep(base_seconds=0)
    with pytest.raises(LeaseLost):
        await WRITES[write](stores, old)
    new = await claim_one(stores)
    with pytest.raises(LeaseLost):
        await WRITES[write](stores, old)
    assert await task_now(stores, old) == new
    document = await stores.documents.get(old.document_id)
    assert document.status == DocumentStatus.PROCESSING and document.title is None


@pytest.mark.parametrize("write", WRITES)
async def test_ended_task_rejects_transitions(stores: Stores, write: str) -> None:
    done, damaged = await begin(stores), await begin(stores)
    await stores.queue.finish(done, DONE)
    await stores.queue.fail(damaged, DAMAGED)
    for task, its_own in ((done, "complete"), (damaged, "fail")):
        ended = await task_now(stores, task)
        if write != its_own:
            with pytest.raises(LeaseLost):
                await WRITES[write](stores, task)
        assert await task_now(stores, task) == ended


async def test_numbers_of_several_tasks_are_recorded_together(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(3)])
    one, two, lost = await claim(stores)
    await stores.queue.release(lost)
    reports = [(one, Progress(pages_done=1, pages_total=9)), (two, Progress(chunks_done=4))]
    await stores.queue.report_numbers([*reports, (lost, Progress(pages_done=5))])
    await stores.queue.report_numbers([(one, Progress(pages_done=2))])
    now = [await task_now(stores, task) for task in (one, two, lost)]
    assert [(task.pages_done, task.pages_total, task.chunks_done) for task in now] == [
        (2, 9, 0),
        (0, None, 4),
        (0, None, 0),
    ]


async def test_progress_fields_are_updated_independently(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.report(task, Progress(pages_done=1, pages_total=9))
    await stores.queue.report(task, Progress(pages_done=2, chunks_done=4))
    now = await task_now(stores, task)
    assert (now.pages_done, now.pages_total, now.chunks_done) == (2, 9, 4)
    job = await stores.jobs.job(task.job_id)
    assert (job.pages_done, job.pages_total, job.chunks_done) == (2, 9, 4)
    await stores.queue.release(task)
    again = await claim_one(stores)
    assert (again.pages_done, again.chunks_done) == (0, 0)
