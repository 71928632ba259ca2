"""Jumps of the database clock: leases and due times are corrected, no attempt is charged."""

from __future__ import annotations

import pytest

from domain.jobs import TaskStatus
from stores.postgres.database import Database
from stores.postgres.task_queue import TaskQueue
from tests.stores.postgres import postgres_stores
from tests.stores.work import AWAY, HOUR, LEASE, admit, begin, claim, task_now


class Monotonic:
    """A monotonic clock that tests control in place of the database clock, which is fixed."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


async def jump(database: Database, monotonic: Monotonic, seconds: float) -> None:
    """Simulates a forward jump (negative: backward) by shifting all stored times."""
    await postgres_stores(database).advance(seconds)
    monotonic.time -= seconds


async def test_forward_clock_jump_charges_no_attempt(
    database: Database, monotonic: Monotonic
) -> None:
    stores, queue = postgres_stores(database), TaskQueue(database, monotonic)
    task = await begin(stores)
    assert await queue.sweep(lease_seconds=LEASE) == 0
    for _ in range(5):  # regression: four jumps exhausted the attempts of a paper
        await jump(database, monotonic, HOUR)
        assert await queue.sweep(lease_seconds=LEASE) == 0
        assert await queue.heartbeat([task], LEASE) == {task.task_id}
    found = await task_now(stores, task)
    assert (found.status, found.attempt) == (TaskStatus.RUNNING, 1)


async def test_worker_lost_during_clock_jump_is_swept_after_one_lease(
    database: Database, monotonic: Monotonic
) -> None:
    stores, queue = postgres_stores(database), TaskQueue(database, monotonic)
    task = await begin(stores)
    await queue.sweep(lease_seconds=LEASE)
    await jump(database, monotonic, HOUR)
    assert await queue.sweep(lease_seconds=LEASE) == 0
    await stores.advance(LEASE + 1)
    assert await queue.sweep(lease_seconds=LEASE) == 1
    assert (await task_now(stores, task)).status == TaskStatus.QUEUED


async def test_backward_clock_jump_keeps_queue_order(
    database: Database, monotonic: Monotonic
) -> None:
    stores, queue = postgres_stores(database), TaskQueue(database, monotonic)
    dead = await begin(stores)
    waiting = [await admit(stores) for _ in range(3)]
    await queue.sweep(lease_seconds=LEASE)
    await jump(database, monotonic, -HOUR)
    assert await claim(stores) == []
    assert await queue.sweep(lease_seconds=LEASE) == 0
    assert [task.task_id for task in await claim(stores)] == [one.task_id for one in waiting]
    await stores.advance(LEASE + 1)
    assert (
        await queue.sweep(lease_seconds=LEASE) == 4
    )  # the jump did not extend its lease by an hour
    assert (await task_now(stores, dead)).status == TaskStatus.QUEUED


async def test_undetected_backward_jump_delays_by_longest_backoff_at_most(
    database: Database,
) -> None:
    stores = postgres_stores(database)
    dead, waiting = await begin(stores), await admit(stores)
    await stores.advance(-HOUR)
    assert await TaskQueue(database).sweep(lease_seconds=LEASE, cap_seconds=60) == 0
    await stores.advance(61)
    assert [task.task_id for task in await claim(stores)] == [waiting.task_id]
    assert await TaskQueue(database).sweep(lease_seconds=LEASE) == 1
    assert (await task_now(stores, dead)).status == TaskStatus.QUEUED


async def test_backoff_is_unchanged_without_clock_jump(database: Database) -> None:
    stores, queue = postgres_stores(database), TaskQueue(database)
    task = await begin(stores)
    await stores.queue.retry(task, AWAY, delay_seconds=60)
    for _ in range(2):
        assert await queue.sweep(lease_seconds=LEASE) == 0
    assert await claim(stores) == []
    await stores.advance(61)
    assert len(await claim(stores)) == 1
