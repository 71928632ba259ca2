"""Claims of the task queue: order and selection. Same tests on both stores."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from domain.jobs import JobStatus, Lane, TaskStatus
from stores.postgres.database import Database
from tests.stores.postgres import MAX_ATTEMPTS, Stores, postgres_stores
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


async def test_claim_order_is_fifo(stores: Stores) -> None:
    first = await admit(stores)
    folder = await stores.jobs.admit("papers", [upload() for _ in range(5)])
    claimed = await claim(stores, limit=3) + await claim(stores, limit=10)
    assert [task.task_id for task in claimed] == [one.task_id for one in [first, *folder]]


async def test_claim_respects_limit_and_returns_task_once(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(5)])
    assert [len(await claim(stores, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


async def test_claim_returns_tasks_of_its_lane_only(stores: Stores) -> None:
    bulk = await admit(stores, lane=Lane.BULK)
    assert await claim(stores, lane=Lane.INTERACTIVE) == []
    assert [task.task_id for task in await claim(stores, lane=Lane.BULK)] == [bulk.task_id]


async def test_claim_starts_task_and_job(stores: Stores) -> None:
    admission = await admit(stores)
    assert (await stores.jobs.job(admission.job_id)).status == JobStatus.QUEUED
    task = await claim_one(stores)
    assert (task.status, task.attempt, task.lease_token) == (TaskStatus.RUNNING, 1, 1)
    assert task.started_at and task.lease_expires_at
    assert (task.lease_expires_at - task.started_at).total_seconds() == pytest.approx(LEASE, 0.1)
    job = await stores.jobs.job(admission.job_id)
    assert job.status == JobStatus.RUNNING and job.started_at and job.counts.running == 1


async def test_claim_skips_documents_with_running_task(stores: Stores) -> None:
    paper = upload()
    first, second = await admit(stores, paper), await admit(stores, paper)
    one = await claim_one(stores)
    assert one.task_id == first.task_id and await claim(stores) == []
    await stores.queue.fail(one, DAMAGED)
    assert (await claim_one(stores)).task_id == second.task_id


async def test_concurrent_claims_return_disjoint_tasks(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(30)])
    batches = await asyncio.gather(*(claim(stores, limit=10) for _ in range(6)))
    claimed = [task.task_id for batch in batches for task in batch]
    assert len(claimed) == len(set(claimed)) == 30


async def test_concurrent_claims_never_share_a_document(stores: Stores) -> None:
    for paper in [upload() for _ in range(4)]:
        await stores.jobs.admit("papers", [paper] * 4)
    batches = await asyncio.gather(*(claim(stores, limit=3) for _ in range(8)))
    at_work = [task.document_id for batch in batches for task in batch]
    assert len(at_work) == len(set(at_work))


async def test_isolated_task_is_claimed_alone(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(4)])
    for task in (await claim(stores))[:2]:
        await stores.queue.retry(task, AWAY, delay_seconds=1, isolate=True)
    newer = await admit(stores)
    await stores.advance(5)
    batches = [await claim(stores) for _ in range(4)]
    assert sorted(len(batch) for batch in batches) == [0, 1, 1, 1]
    assert sum(task.isolate for batch in batches for task in batch) == 2
    assert newer.task_id in {task.task_id for batch in batches for task in batch}


async def test_isolated_task_does_not_starve(
    stores: Stores,
) -> None:
    task = await begin(stores)
    await stores.queue.retry(task, AWAY, delay_seconds=1, isolate=True)
    await stores.advance(5)
    await admit(stores)
    assert (await claim_one(stores)).task_id == task.task_id


async def test_claim_respects_backoff(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.retry(task, AWAY, delay_seconds=60)
    waiting = await task_now(stores, task)
    assert waiting.status == TaskStatus.QUEUED and waiting.next_attempt_at
    assert waiting.error == AWAY and waiting.lease_expires_at is None
    await stores.advance(50)
    assert await claim(stores) == []
    await stores.advance(11)
    again = await claim_one(stores)
    assert (again.attempt, again.lease_token) == (2, 2)


async def test_attempts_count_at_claim_and_not_at_release(
    stores: Stores,
) -> None:
    task = await begin(stores)
    for _ in range(3):
        await stores.queue.release(task)
        task = await claim_one(stores)
    assert (task.attempt, task.lease_token) == (1, 4)


async def test_released_task_keeps_queue_position(stores: Stores) -> None:
    task = await begin(stores)
    await admit(stores)
    await stores.queue.release(task)
    assert (await claim(stores, limit=1))[0].task_id == task.task_id


async def test_tasks_are_released_together_and_lost_ones_are_named(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(3)])
    first, lost, last = await claim(stores)
    await stores.queue.fail(lost, DAMAGED)
    assert await stores.queue.release_all([last, lost, first]) == {first.task_id, last.task_id}
    assert await stores.queue.release_all([]) == set()
    assert (await task_now(stores, lost)).status == TaskStatus.FAILED
    again = await claim(stores)
    assert [one.task_id for one in again] == [first.task_id, last.task_id]
    assert [one.attempt for one in again] == [1, 1]


async def test_release_with_delay_postpones_task(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.release(task, delay_seconds=30)
    assert await claim(stores) == []
    await stores.advance(31)
    assert (await claim_one(stores)).attempt == 1


async def test_retry_fails_task_at_last_attempt(stores: Stores) -> None:
    task = await begin(stores)
    for _ in range(MAX_ATTEMPTS - 1):
        await stores.queue.retry(task, AWAY, delay_seconds=0)
        task = await claim_one(stores)
    assert task.attempt == MAX_ATTEMPTS
    await stores.queue.retry(task, AWAY, delay_seconds=0)
    ended = await task_now(stores, task)
    assert (ended.status, ended.error) == (TaskStatus.FAILED, AWAY)


async def test_depths_count_open_tasks_by_lane_and_status(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(4)])
    await admit(stores, lane=Lane.BULK)
    one, _two = await claim(stores, limit=2)
    await stores.queue.finish(one, DONE)
    assert await stores.queue.depths() == {
        ("interactive", "queued"): 2,
        ("interactive", "running"): 1,
        ("bulk", "queued"): 1,
    }


async def test_unique_index_prevents_two_running_tasks_per_document(database: Database) -> None:
    stores = postgres_stores(database)
    await stores.jobs.admit("papers", [upload("same")] * 2)
    await claim_one(stores)
    with pytest.raises(Exception, match="tasks_running_by_document"):
        async with database.begin() as connection:
            await connection.execute(text("UPDATE tasks SET status = 'running'"))
