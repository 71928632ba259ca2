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


async def test_a_full_collection_takes_no_more_and_says_what_to_do(
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


async def test_a_folder_larger_than_the_limit_gets_in(jobs: protocols.JobStore) -> None:
    admitted = await jobs.admit("physics", uploads(LIMIT + 2))
    assert len(admitted) == LIMIT + 2


async def test_the_last_part_of_a_job_gets_in_although_there_is_no_room(
    jobs: protocols.JobStore,
) -> None:
    [first, *_] = await jobs.admit("physics", uploads(LIMIT), more_to_come=True)
    with pytest.raises(QueueFull):
        await jobs.admit("physics", uploads(1, "b"), job_id=first.job_id, more_to_come=True)
    await jobs.admit("physics", [], job_id=first.job_id)
    assert (await jobs.job(first.job_id)).counts.total == LIMIT


async def test_work_that_is_done_makes_room(
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


async def test_two_processes_see_each_other_after_a_second(
    database: Database, pass_a_second: Callable[[], None]
) -> None:
    one, two = (JobStore(database, queue_limit=LIMIT) for _ in range(2))
    await two.check_queue_limit("physics")
    await one.admit("physics", uploads(LIMIT))
    await two.check_queue_limit("physics")
    pass_a_second()
    with pytest.raises(QueueFull):
        await two.check_queue_limit("physics")


async def test_a_collection_is_counted_once_a_second_however_many_ask(
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


async def test_names_that_somebody_made_up_are_not_remembered_for_ever() -> None:
    async def count(_collection: str, _most: int) -> int:
        return 0

    limit = AdmissionLimit(count, limit=1)
    for number in range(2 * queue_limit.KNOWN_COLLECTIONS):
        await limit.reserve(f"made-up-{number}", 0)
    assert len(limit._known) <= queue_limit.KNOWN_COLLECTIONS


async def test_without_a_limit_nothing_is_counted() -> None:
    async def count(_collection: str, _most: int) -> int:
        raise AssertionError("must not be called")

    await AdmissionLimit(count, limit=None).reserve("physics", 1)
