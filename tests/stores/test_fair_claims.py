"""Fair shares of a lane: the reported scenarios, weights, and a property test on both stores."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.fair_share import INTERACTIVE_WEIGHT, ShareWeights
from domain.jobs import Lane, Step, StepResult, Task
from domain.papers import Metadata
from stores.postgres.database import Database
from tests.stores.postgres import Stores, memory_stores, postgres_stores, wipe
from tests.stores.work import AWAY, admit, claim, upload

BATCH = 16
FOLDERS = 10


async def folder(stores: Stores, papers: int, name: str = "papers", job: str | None = None) -> str:
    """Admits a job of several papers to the bulk lane; returns its flow."""
    uploads = [upload() for _ in range(papers)]
    admitted = await stores.jobs.admit(name, uploads, lane=Lane.BULK, job_id=job)
    return admitted[0].job_id


async def to_layout(stores: Stores, lane: Lane) -> None:
    """Reads the text of all queued papers, so that they wait in the layout lane."""
    next_step = StepResult(Metadata("A title"), pages=1, chunks=1, next_step=Step.LAYOUT)
    while tasks := await claim(stores, lane=lane):
        for task in tasks:
            await stores.queue.finish(task, next_step)


async def claims_until(stores: Stores, lane: Lane, job_id: str, tasks: int) -> int:
    """Returns the number of micro-batches until `tasks` tasks of the job have been claimed."""
    for number in range(1, 100):
        batch = await claim(stores, BATCH, lane)
        tasks -= sum(task.job_id == job_id for task in batch)
        if tasks <= 0:
            return number
    raise AssertionError("the job starves")


def shares(tasks: list[Task]) -> Counter[str]:
    return Counter(task.job_id for task in tasks)


async def test_small_folder_starts_beside_large_one(stores: Stores) -> None:
    await folder(stores, 100)
    small = await folder(stores, 3)
    assert await claims_until(stores, Lane.BULK, small, 3) == 1


async def test_small_upload_completes_behind_flood_of_single_uploads() -> None:
    """Reported: three papers behind 5,000 single uploads took 100 s."""
    stores = memory_stores()
    for _ in range(5000):
        await admit(stores)
    three = await stores.jobs.admit("papers", [upload() for _ in range(3)])
    papers_per_claim = BATCH / (INTERACTIVE_WEIGHT + 1)
    bound = math.ceil(3 / papers_per_claim)
    assert await claims_until(stores, Lane.INTERACTIVE, three[0].job_id, 3) <= bound


async def test_folder_is_not_starved_by_single_uploads_in_later_lane(stores: Stores) -> None:
    for _ in range(60):
        await admit(stores)
    small = await folder(stores, 3)
    await to_layout(stores, Lane.INTERACTIVE)
    await to_layout(stores, Lane.BULK)
    assert await claims_until(stores, Lane.LAYOUT, small, 3) == 1


async def test_ten_folders_and_single_uploads_share_later_lane(stores: Stores) -> None:
    """Reported: ten concurrent folders. Each gets the share of its weight."""
    jobs = [await folder(stores, 10) for _ in range(FOLDERS)]
    for _ in range(60):
        await admit(stores)
    await to_layout(stores, Lane.BULK)
    await to_layout(stores, Lane.INTERACTIVE)
    claimed = [task for _ in range(7) for task in await claim(stores, BATCH, Lane.LAYOUT)]
    each = len(claimed) / (FOLDERS + INTERACTIVE_WEIGHT)
    by_job = shares(claimed)
    assert all(abs(by_job[job] - each) <= 1 for job in jobs)
    singles = sum(task.urgent for task in claimed)
    assert abs(singles - INTERACTIVE_WEIGHT * each) <= INTERACTIVE_WEIGHT


async def test_collections_share_lane_equally(stores: Stores) -> None:
    for _ in range(5):
        await folder(stores, 20, "many jobs")
    await folder(stores, 20, "one job")
    claimed = await claim(stores, BATCH, Lane.BULK)
    assert Counter(task.collection for task in claimed) == {"many jobs": 8, "one job": 8}


async def test_collection_weights_set_shares(database: Database) -> None:
    weights = ShareWeights({"heavy": 3.0})
    for stores in (memory_stores(weights), postgres_stores(database, weights)):
        for name in ("heavy", "light"):
            await folder(stores, 30, name)
        claimed = await claim(stores, BATCH, Lane.BULK)
        assert Counter(task.collection for task in claimed) == {"heavy": 12, "light": 4}


async def test_retried_task_keeps_its_place(stores: Stores) -> None:
    await folder(stores, 4)
    first = (await claim(stores, 1, Lane.BULK))[0]
    await stores.queue.retry(first, AWAY, delay_seconds=1)
    assert (await claim(stores, 1, Lane.BULK))[0].task_id != first.task_id
    await stores.advance(2)
    assert (await claim(stores, 1, Lane.BULK))[0].task_id == first.task_id


async def test_flows_in_backoff_do_not_hide_others(stores: Stores) -> None:
    """More flows than one claim considers wait for the end of their backoff."""
    for number in range(40):
        await folder(stores, 1, job=f"job_{number:016}")
    for task in await claim(stores, lane=Lane.BULK):
        await stores.queue.retry(task, AWAY, delay_seconds=60)
    for task in await claim(stores, lane=Lane.BULK):
        await stores.queue.retry(task, AWAY, delay_seconds=60)
    due = await folder(stores, 1, job="job_f")
    assert shares(await claim(stores, BATCH, Lane.BULK)) == {due: 1}


JOBS = 5
ARRIVALS = st.lists(
    st.tuples(st.integers(0, JOBS - 1), st.integers(0, 8), st.integers(1, 6)),
    min_size=4,
    max_size=14,
)
HEAVY = ShareWeights({"heavy": 2.0})


async def check_shares(stores: Stores, arrivals: list[tuple[int, int, int]]) -> list[Any]:
    """Claims between arrivals; asserts the share of every job in every window with work.

    Each arrival adds papers to a job of one of two collections, then one claim of `limit` runs.
    """
    steps: list[tuple[Counter[str], set[str]]] = []
    waiting = Counter[str]()
    for job, papers, limit in [*arrivals, *[(0, 0, 4)] * 6]:
        name = f"job_{job:016}"
        if papers:
            await folder(stores, papers, collection_of(name), name)
        waiting[name] += papers
        before = {one for one, count in waiting.items() if count}
        claimed = shares(await claim(stores, limit, Lane.BULK))
        waiting -= claimed
        assert sum(claimed.values()) > 0 or not before
        steps.append((claimed, {one for one in before if waiting[one]}))
    assert_windows(steps)
    return [sorted(claimed.items()) for claimed, _ in steps]


def collection_of(job_id: str) -> str:
    return "heavy" if int(job_id[-1]) % 2 else "light"


def assert_windows(steps: list[tuple[Counter[str], set[str]]]) -> None:
    """A job that waits in a window gets at least its share, minus one micro-batch and one task.

    The share is the smallest that the job can have: all jobs of both collections compete. The last
    task is the one of the batch before the window that SFQ has charged already.
    """
    for first in range(len(steps)):
        for last in range(first, len(steps)):
            window = steps[first : last + 1]
            claimed = sum((claimed for claimed, _ in window), Counter[str]())
            batch = max(sum(claimed.values()) for claimed, _ in steps)
            for job in set.intersection(*(waiting for _, waiting in window)):
                share = smallest_share(job) * claimed.total()
                assert claimed[job] >= share - batch - 1, (job, window)


def smallest_share(job_id: str) -> float:
    """Returns the share of the job if all jobs wait."""
    collection, names = collection_of(job_id), [f"job_{n:016}" for n in range(JOBS)]
    rivals = sum(collection_of(name) == collection for name in names)
    weights = {name: HEAVY.of_collection(name) for name in ("heavy", "light")}
    return weights[collection] / sum(weights.values()) / rivals


QUICK = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@given(ARRIVALS)
@settings(QUICK, max_examples=100)
def test_every_job_gets_its_share_on_fake(arrivals: list[tuple[int, int, int]]) -> None:
    asyncio.run(check_shares(memory_stores(HEAVY), arrivals))


def test_every_job_gets_its_share_on_postgres_as_on_fake(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url, pool_size=2)
        compare(runner.run, database)
        runner.run(database.close())


def compare(call: Callable[[Coroutine[Any, Any, Any]], Any], database: Database) -> None:
    """Both stores must claim the same numbers of tasks of each job."""

    @given(ARRIVALS)
    @settings(QUICK, max_examples=10, phases=[Phase.generate])
    def same(arrivals: list[tuple[int, int, int]]) -> None:
        call(wipe(database))
        real = call(check_shares(postgres_stores(database, HEAVY), arrivals))
        assert real == call(check_shares(memory_stores(HEAVY), arrivals))

    same()
