"""A stalled session holds a row lock, like that of a disconnected client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from domain.errors import DatabaseBusy, DatabaseUnavailable
from domain.jobs import Lane, TaskStatus
from stores.postgres.database import Database
from stores.postgres.postgres_session import SessionLimits
from stores.postgres.task_queue import TaskQueue
from tests.stores.postgres import postgres_stores
from tests.stores.work import DONE, LEASE, admit, begin, claim, task_now, upload

SHORT_LOCK = SessionLimits(lock_seconds=0.3)
SHORT_IDLE = SessionLimits(idle_in_transaction_seconds=0.5)
BLOCKED_SECONDS = 30.0  # without the lock timeout, a call would wait for ever


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connections with a lock timeout of 0.3 s."""
    database = Database(database_url, limits=SHORT_LOCK)
    yield database
    await database.close()


@asynccontextmanager
async def held(url: str, table: str, column: str, value: object) -> AsyncIterator[None]:
    """Holds a row lock in another session without timeouts."""
    client = await asyncpg.connect(url)
    try:
        await client.execute("BEGIN")
        await client.execute(
            f"SELECT 1 FROM {table} WHERE {column}::text = $1 FOR UPDATE", str(value)
        )
        yield
        await client.execute("ROLLBACK")
    finally:
        client.terminate()


async def test_locked_job_does_not_block_its_lane(database: Database, database_url: str) -> None:
    stores = postgres_stores(database)
    locked, others = await admit(stores), [await admit(stores) for _ in range(3)]
    async with held(database_url, "jobs", "job_id", locked.job_id):
        claimed = await asyncio.wait_for(claim(stores), BLOCKED_SECONDS)
        assert [task.job_id for task in claimed] == [other.job_id for other in others]
        await asyncio.gather(*(stores.queue.finish(task, DONE) for task in claimed))
        with pytest.raises(DatabaseBusy):
            async with database.driver() as connection:
                await connection.execute(
                    "UPDATE jobs SET status = 'cancelled' WHERE job_id = $1", locked.job_id
                )
    [last] = await claim(stores)
    assert last.job_id == locked.job_id


async def test_claims_skip_locked_jobs_after_lock_timeout(
    database: Database, database_url: str
) -> None:
    stores = postgres_stores(database)
    locked = await admit(stores)
    async with held(database_url, "jobs", "job_id", locked.job_id):
        assert await claim(stores) == []
        slow = Database(database_url, limits=SessionLimits(lock_seconds=60))
        queue = TaskQueue(slow)
        queue.claims.avoid_locked_until = time.monotonic() + LEASE
        for _ in range(3):
            other = await admit(stores)
            [task] = await asyncio.wait_for(
                queue.claim(Lane.INTERACTIVE, 10, worker="w", lease_seconds=LEASE), BLOCKED_SECONDS
            )
            assert task.job_id == other.job_id
        await slow.close()


async def test_heartbeat_does_not_block_on_locked_task(
    database: Database, database_url: str
) -> None:
    stores = postgres_stores(database)
    await stores.jobs.admit("papers", [upload() for _ in range(3)])
    tasks = await claim(stores)
    before = [(await task_now(stores, task)).lease_expires_at for task in tasks]
    async with held(database_url, "tasks", "task_id", tasks[0].task_id):
        kept = await asyncio.wait_for(stores.queue.heartbeat(tasks, 10 * LEASE), BLOCKED_SECONDS)
        assert kept == {task.task_id for task in tasks}  # a locked task is not lost
    after = [(await task_now(stores, task)).lease_expires_at for task in tasks]
    assert [a != b for a, b in zip(after, before, strict=True)] == [False, True, True]


async def test_sweep_skips_locked_task(database: Database, database_url: str) -> None:
    stores = postgres_stores(database)
    locked, other = await begin(stores), await begin(stores)
    await stores.advance(LEASE + 1)
    async with held(database_url, "tasks", "task_id", locked.task_id):
        assert await asyncio.wait_for(stores.queue.sweep(), BLOCKED_SECONDS) == 1
    assert (await task_now(stores, other)).status == TaskStatus.QUEUED
    assert await stores.queue.sweep() == 1


async def test_idle_transaction_timeout_releases_locks(
    database: Database, database_url: str
) -> None:
    """`idle_in_transaction_session_timeout` ends the session that holds the lock."""
    stores, idle = postgres_stores(database), Database(database_url, limits=SHORT_IDLE)
    locked = await admit(stores)
    with pytest.raises(DatabaseUnavailable):
        async with idle.begin() as holder:
            await holder.exec_driver_sql("SELECT job_id FROM jobs FOR UPDATE")
            await asyncio.sleep(4 * SHORT_IDLE.idle_in_transaction_seconds)
            [task] = await claim(stores)
            assert task.job_id == locked.job_id
            await holder.exec_driver_sql("SELECT 1")
    await idle.close()


async def test_every_postgres_session_has_timeouts(database_url: str) -> None:
    database = Database(database_url)
    async with database.driver() as connection:
        for name, value in {
            "idle_in_transaction_session_timeout": "30s",
            "lock_timeout": "5s",
            "tcp_keepalives_idle": "30",
        }.items():
            assert await connection.fetchval(f"SHOW {name}") == value
    await database.close()
