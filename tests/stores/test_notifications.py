"""JobNotifications on a real PostgreSQL: LISTEN/NOTIFY wakes the waiters of a job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
from sqlalchemy import event, text

from domain.jobs import Lane, WaitFor
from serve_app.api.jobs import follow_job, get_job
from serve_app.api.services import Services
from stores.postgres.database import Database
from stores.postgres.notifications import CHANNEL, JobNotifications
from tests.stores.postgres import Stores, postgres_stores
from tests.stores.work import DONE, LEASE, admit, begin, claim_one, upload

HOUR = 3600.0  # a poll interval that no test reaches
TIMEOUT = 60.0
LISTENERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%'
"""


@pytest.fixture
async def notifications(database: Database) -> AsyncIterator[JobNotifications]:
    notifications = JobNotifications(database, safety_poll_seconds=HOUR)
    yield notifications
    await notifications.close()


async def until_true(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(TIMEOUT):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


async def until_connected(notifications: JobNotifications) -> None:
    async def is_connected() -> bool:
        return notifications.is_connected

    async with notifications.subscribe("job_0000000000000000"):
        await until_true(is_connected)


async def listener_pids(database: Database) -> list[int]:
    async with database.driver() as connection:
        return [row["pid"] for row in await connection.fetch(LISTENERS)]


@asynccontextmanager
async def received(database: Database) -> AsyncIterator[list[str]]:
    """Yields the list of payloads that a separate LISTEN connection receives."""
    payloads: list[str] = []
    connection = await asyncpg.connect(database.address.dsn)
    try:
        await connection.add_listener(CHANNEL, lambda *message: payloads.append(message[-1]))
        yield payloads
    finally:
        await connection.close()


def services_of(stores: Stores, notifications: JobNotifications) -> Services:
    """The services that the routes of long polls and event streams use."""
    made = SimpleNamespace(
        documents=stores.documents,
        events=stores.events,
        jobs=stores.jobs,
        notifications=notifications,
    )
    return cast(Services, made)


def count_queries(database: Database) -> list[int]:
    """Returns a list whose only item counts the connections taken from the pool, one per query."""
    count = [0]

    @event.listens_for(database.engine.sync_engine, "checkout")
    def _checkout(*_: Any) -> None:
        count[0] += 1

    return count


async def follow(services: Services, job_id: str) -> list[str]:
    """Returns the names of all events of a stream."""
    return [str(sent.event) async for sent in follow_job(job_id, services)]


async def test_notification_wakes_waiter_without_polling(
    database: Database, notifications: JobNotifications
) -> None:
    stores = postgres_stores(database)
    task = await begin(stores)
    await until_connected(notifications)
    async with notifications.subscribe(task.job_id) as wakeups:
        waiting = asyncio.create_task(wakeups.wait(HOUR))
        await asyncio.sleep(0)
        other = await begin(stores)  # another job wakes nothing
        await stores.queue.finish(other, DONE)
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await stores.queue.finish(task, DONE)
        await asyncio.wait_for(waiting, TIMEOUT)


async def test_notification_wakes_long_poll_and_event_stream(
    database: Database, notifications: JobNotifications
) -> None:
    stores = postgres_stores(database)
    services = services_of(stores, notifications)
    job_id = (await admit(stores)).job_id
    await until_connected(notifications)
    following = asyncio.create_task(follow(services, job_id))
    polling = asyncio.create_task(get_job(job_id, services, wait=TIMEOUT, until=WaitFor.DONE))
    await asyncio.sleep(0.2)
    assert not following.done() and not polling.done()
    await stores.queue.finish(await claim_one(stores), DONE)
    async with asyncio.timeout(TIMEOUT / 2):
        assert (await polling).status == "completed"
        assert (await following)[-2:] == ["job_completed", "closed"]


async def test_notification_is_sent_at_commit_and_never_for_a_rollback(database: Database) -> None:
    stores = postgres_stores(database)
    pending, undone, fence = [(await begin(stores)) for _ in range(3)]
    moved = text("UPDATE tasks SET status = 'failed' WHERE task_id = :task_id")
    async with received(database) as payloads:

        async def has_arrived(job_id: str) -> bool:
            return job_id in payloads

        async with database.begin() as connection:
            await connection.execute(moved, {"task_id": pending.task_id})
            with pytest.raises(RuntimeError):
                async with database.begin() as other:
                    await other.execute(moved, {"task_id": undone.task_id})
                    raise RuntimeError
            await stores.queue.finish(fence, DONE)
            await until_true(lambda: has_arrived(fence.job_id))
            assert pending.job_id not in payloads
        await until_true(lambda: has_arrived(pending.job_id))
        assert undone.job_id not in payloads


async def test_notification_is_sent_once_per_job_and_transaction(database: Database) -> None:
    """The transaction that creates a job sends none: no client waits for it yet."""
    stores = postgres_stores(database)
    async with received(database) as payloads:

        async def has_received(count: int) -> bool:
            return len(payloads) >= count

        async def admit_part(job_id: str | None, more_to_come: bool) -> str:
            uploads = [upload() for _ in range(300)]
            admitted = await stores.jobs.admit(
                "papers", uploads, lane=Lane.BULK, job_id=job_id, more_to_come=more_to_come
            )
            return admitted[0].job_id

        whole = await admit_part(None, more_to_come=False)
        in_parts = await admit_part("job_0123456789abcdef", more_to_come=True)
        await admit_part(in_parts, more_to_come=False)
        await until_true(lambda: has_received(1))
        assert payloads == [in_parts]
        await stores.queue.claim(Lane.BULK, 900, worker="worker", lease_seconds=LEASE)
        await until_true(lambda: has_received(3))
        assert sorted(payloads[1:]) == sorted([whole, in_parts])


async def test_notifications_reconnect_and_lose_no_event(
    database: Database, notifications: JobNotifications
) -> None:
    stores = postgres_stores(database)
    services = services_of(stores, notifications)
    jobs = [(await begin(stores)) for _ in range(2)]
    await until_connected(notifications)
    followers = [
        asyncio.create_task(follow(services, task.job_id)) for task in jobs for _ in range(3)
    ]
    await asyncio.sleep(0.1)
    [killed] = await listener_pids(database)
    async with database.driver() as connection:
        assert await connection.fetchval("SELECT pg_terminate_backend($1)", killed)
    await stores.queue.finish(jobs[0], DONE)  # while there is no LISTEN connection

    async def has_reconnected() -> bool:
        pids = await listener_pids(database)
        return notifications.is_connected and bool(pids) and killed not in pids

    await until_true(has_reconnected)
    await stores.queue.finish(jobs[1], DONE)
    async with asyncio.timeout(TIMEOUT):
        logs = await asyncio.gather(*followers)
    names = ["task_queued", "task_started", "job_started", "task_completed", "job_completed"]
    assert logs == [[*names, "closed"]] * 6
    assert len(await listener_pids(database)) == 1


async def test_200_followers_of_an_idle_job_share_their_queries(
    database: Database, notifications: JobNotifications
) -> None:
    """100 event streams and 100 long polls. Polling cost one to two queries a second for each."""
    stores = postgres_stores(database)
    services = services_of(stores, notifications)
    task = await begin(stores)
    await until_connected(notifications)
    count = count_queries(database)
    followers = [asyncio.create_task(follow(services, task.job_id)) for _ in range(100)]
    polls = [
        asyncio.create_task(get_job(task.job_id, services, wait=TIMEOUT, until=WaitFor.DONE))
        for _ in range(100)
    ]

    async def is_idle() -> bool:
        before = count[0]
        await asyncio.sleep(1)
        return 0 < before == count[0]

    await until_true(is_idle)
    assert count[0] <= 20  # the first queries
    before = count[0]
    await asyncio.sleep(2)
    assert count[0] == before
    assert len(await listener_pids(database)) == 1

    for poll in polls:
        poll.cancel()
    await asyncio.wait(polls)
    before = count[0]
    await stores.queue.finish(task, DONE)
    async with asyncio.timeout(TIMEOUT):
        logs = await asyncio.gather(*followers)
    assert {tuple(log[-2:]) for log in logs} == {("job_completed", "closed")}
    assert count[0] - before <= 20


async def test_waiters_poll_with_pgbouncer(database: Database, database_url: str) -> None:
    """The URL parameter alone decides: LISTEN would be lost in transaction mode."""
    separator = "&" if "?" in database_url else "?"
    through = Database(f"{database_url}{separator}pgbouncer=true")
    notifications = JobNotifications(through, safety_poll_seconds=HOUR)
    stores = postgres_stores(through)
    services = services_of(stores, notifications)
    task = await begin(stores)
    following = asyncio.create_task(follow(services, task.job_id))
    await asyncio.sleep(0.3)
    assert not notifications.is_connected and await listener_pids(database) == []
    await stores.queue.finish(task, DONE)
    assert (await asyncio.wait_for(following, TIMEOUT))[-1] == "closed"
    await notifications.close()
    await through.close()


async def test_notifications_connect_with_the_first_subscriber_and_close_once(
    database: Database, notifications: JobNotifications
) -> None:
    assert await listener_pids(database) == []
    await until_connected(notifications)
    assert len(await listener_pids(database)) == 1
    await notifications.close()

    async def is_closed() -> bool:
        return await listener_pids(database) == []

    await until_true(is_closed)
    async with notifications.subscribe("job_0000000000000000") as wakeups:
        await wakeups.wait(0.05)  # polls from now on
    assert not notifications.is_connected and await is_closed()
    await notifications.close()


async def test_waiters_poll_while_the_server_is_unreachable() -> None:
    database = Database("postgres://nobody:secret@127.0.0.1:1/nothing")
    notifications = JobNotifications(database, safety_poll_seconds=HOUR)
    async with asyncio.timeout(TIMEOUT), notifications.subscribe("job_0000000000000000") as wakeups:
        for _ in range(3):
            await wakeups.wait(0.1)
    assert not notifications.is_connected
    await notifications.close()
    await database.close()
