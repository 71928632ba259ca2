"""The limit on open tasks of a collection, on both stores, and its cache."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from domain.errors import QueueFull
from domain.jobs import Lane, Upload
from stores import protocols
from stores.postgres import queue_limit
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore
from stores.postgres.queue_limit import AdmissionLimit
from stores.postgres.task_queue import TaskQueue
from tests.fakes.in_memory_jobs import InMemoryStores
from tests.stores.work import DONE

LIMIT = 3


@pytest.fixture(params=["memory", "postgres"])
def jobs(request: pytest.FixtureRequest) -> protocols.JobStore:
    """The job store and its fake, with a limit of three open tasks per collection."""
    if request.param == "memory":
        return InMemoryStores(queue_limit=LIMIT).jobs
    return JobStore(request.getfixturevalue("database"), queue_limit=LIMIT)


@pytest.fixture
def pass_a_second(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Returns a function that expires all cached counts."""
    passed = 0.0

    def move() -> None:
        nonlocal passed
        passed += queue_limit.KNOWN_SECONDS

    monkeypatch.setattr(queue_limit, "monotonic", lambda: passed)
    return move


def uploads(count: int, name: str = "a") -> list[Upload]:
    return [Upload(f"{name}{n}.pdf", f"{name}{n}".rjust(64, "0"), 10) for n in range(count)]


async def test_full_collection_raises_queue_full_with_advice(
    jobs: protocols.JobStore,
) -> None:
    await jobs.admit("physics", uploads(LIMIT))
    with pytest.raises(QueueFull, match="'physics' has 3 unfinished papers") as full:
        await jobs.admit("physics", uploads(1, "b"))
    assert "jobs.queue_limit" in full.value.message and "Nothing" in full.value.message
    with pytest.raises(QueueFull):
        await jobs.check_queue_limit("physics")
    assert len((await jobs.jobs()).items) == 1
    await jobs.check_queue_limit("chemistry")
    await jobs.admit("chemistry", uploads(1, "b"))


async def test_folder_larger_than_queue_limit_is_admitted(jobs: protocols.JobStore) -> None:
    admitted = await jobs.admit("physics", uploads(LIMIT + 2))
    assert len(admitted) == LIMIT + 2


async def test_empty_last_part_is_admitted_to_full_collection(
    jobs: protocols.JobStore,
) -> None:
    [first, *_] = await jobs.admit("physics", uploads(LIMIT), more_to_come=True)
    with pytest.raises(QueueFull):
        await jobs.admit("physics", uploads(1, "b"), job_id=first.job_id, more_to_come=True)
    await jobs.admit("physics", [], job_id=first.job_id)
    assert (await jobs.job(first.job_id)).counts.total == LIMIT


async def test_finished_tasks_free_queue_capacity(
    database: Database, pass_a_second: Callable[[], None]
) -> None:
    jobs, queue = JobStore(database, queue_limit=LIMIT), TaskQueue(database)
    await jobs.admit("physics", uploads(LIMIT))
    [task, *_] = await queue.claim(Lane.INTERACTIVE, LIMIT, worker="w", lease_seconds=9)
    pass_a_second()
    with pytest.raises(QueueFull):  # running tasks count, too
        await jobs.check_queue_limit("physics")
    await queue.finish(task, DONE)
    pass_a_second()
    await jobs.admit("physics", uploads(1, "b"))
    with pytest.raises(QueueFull):
        await jobs.check_queue_limit("physics")


async def test_queue_limit_sees_other_processes_after_a_second(
    database: Database, pass_a_second: Callable[[], None]
) -> None:
    one, two = (JobStore(database, queue_limit=LIMIT) for _ in range(2))
    await two.check_queue_limit("physics")
    await one.admit("physics", uploads(LIMIT))
    await two.check_queue_limit("physics")
    pass_a_second()
    with pytest.raises(QueueFull):
        await two.check_queue_limit("physics")


async def test_open_tasks_are_counted_once_a_second(
    pass_a_second: Callable[[], None],
) -> None:
    counted: list[tuple[str, int]] = []

    async def count(collection: str, most: int) -> int:
        counted.append((collection, most))
        await asyncio.sleep(0.01)
        return 0

    limit = AdmissionLimit(count, limit=1000)
    await asyncio.gather(*(limit.reserve("physics", 1) for _ in range(50)))
    assert counted == [("physics", 1000)]
    pass_a_second()
    await asyncio.gather(*(limit.reserve("physics", 1) for _ in range(50)))
    assert len(counted) == 2


async def test_admission_limit_cache_is_bounded() -> None:
    async def count(_collection: str, _most: int) -> int:
        return 0

    limit = AdmissionLimit(count, limit=1)
    for number in range(2 * queue_limit.KNOWN_COLLECTIONS):
        await limit.reserve(f"made-up-{number}", 0)
    assert len(limit._known) <= queue_limit.KNOWN_COLLECTIONS


async def test_admission_limit_none_does_not_count() -> None:
    async def count(_collection: str, _most: int) -> int:
        raise AssertionError("must not be called")

    await AdmissionLimit(count, limit=None).reserve("physics", 1)
