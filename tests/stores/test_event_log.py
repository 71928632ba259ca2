"""Event log of a job: every state transition is recorded, in order, on both stores."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from domain.errors import InvalidRequest
from domain.events import Event, FeedPosition
from domain.jobs import Lane, Progress
from stores.postgres.database import Database
from tests.event_logs import event_log_errors
from tests.stores.postgres import Stores, postgres_stores
from tests.stores.work import AWAY, DAMAGED, DAY, DONE, LEASE, admit, claim, upload

SEARCHABLE = Progress(pages_total=3, chunks_done=2, searchable=True)


async def names(stores: Stores, job_id: str, after: int = 0) -> list[str]:
    return [event.name for event in await stores.events.after(job_id, after)]


async def test_event_log_records_all_transitions_of_a_paper(stores: Stores) -> None:
    job_id = (await admit(stores)).job_id
    [task] = await claim(stores)
    await stores.queue.report(task, SEARCHABLE)
    await stores.queue.retry(task, AWAY, delay_seconds=0)
    [task] = await claim(stores)
    await stores.queue.finish(task, DONE)
    assert await names(stores, job_id) == [
        "task_queued",
        "task_started",
        "job_started",
        "task_searchable",
        "task_queued",
        "task_started",
        "task_completed",
        "job_completed",
    ]
    assert await names(stores, job_id, after=6) == ["task_completed", "job_completed"]
    assert await names(stores, "job_unknown") == []


async def test_newest_events_come_first_and_lead_to_all_earlier_ones(stores: Stores) -> None:
    job_id = (await stores.jobs.admit("papers", [upload() for _ in range(5)]))[0].job_id
    seen, before = list[int](), None
    while events := await stores.events.newest(job_id, before, limit=2):
        seen += [event.number for event in events]
        before = seen[-1]
    assert seen == [5, 4, 3, 2, 1]
    assert await stores.events.newest("job_unknown") == []


async def test_event_contains_previous_status_and_error(stores: Stores) -> None:
    job_id = (await admit(stores)).job_id
    [task] = await claim(stores)
    await stores.queue.fail(task, DAMAGED)
    log = await stores.events.after(job_id)
    failed = next(event for event in log if event.name == "task_failed")
    assert (failed.task_id, failed.attempt, failed.step) == (task.task_id, 1, task.step)
    assert failed.error == DAMAGED and not failed.searchable
    assert [event.number for event in log] == list(range(1, len(log) + 1))
    assert all(one.at <= two.at for one, two in pairwise(log))


async def test_event_log_records_every_final_status(stores: Stores) -> None:
    first = await admit(stores, upload("a"))
    second = await admit(stores, upload("a"))
    await stores.queue.finish((await claim(stores))[0], DONE)
    assert await claim(stores) == []
    third = await admit(stores, upload("a"))
    cancelled = await admit(stores, upload("b"))
    await stores.job_control.cancel(cancelled.job_id)
    await stores.job_control.retry(cancelled.job_id)
    await stores.documents.delete(cancelled.document_id)
    ends = {
        first.job_id: ["task_completed", "job_completed"],
        second.job_id: ["task_queued", "task_completed", "job_completed"],
        third.job_id: ["task_completed", "job_completed"],
        cancelled.job_id: [
            *("task_queued", "task_cancelled", "job_cancelled"),
            *("task_queued", "job_queued", "task_cancelled", "job_cancelled"),
        ],
    }
    for job_id, last in ends.items():
        assert (await names(stores, job_id))[-len(last) :] == last


async def test_purged_job_has_no_events(stores: Stores) -> None:
    job_id = (await admit(stores)).job_id
    await stores.job_control.cancel(job_id)
    await stores.advance(8 * DAY)
    assert await stores.jobs.purge() == 1
    assert await names(stores, job_id) == []


async def test_concurrent_events_are_gap_free_without_deadlock(database: Database) -> None:
    """Claims of both lanes lease the same jobs in opposite order, with a concurrent reader."""
    stores = postgres_stores(database)
    jobs = [f"job_{number}" for number in range(4)]
    for lane in (Lane.INTERACTIVE, Lane.BULK):
        for job_id in jobs if lane is Lane.BULK else reversed(jobs):
            papers = [upload() for _ in range(10)]
            await stores.jobs.admit(
                "papers", papers, lane=lane, job_id=job_id, more_to_come=lane is Lane.INTERACTIVE
            )

    async def work(lane: Lane) -> None:
        while tasks := await stores.queue.claim(lane, 8, worker=lane, lease_seconds=LEASE):
            await asyncio.gather(*(stores.queue.finish(task, DONE) for task in tasks))

    async def follow(job_id: str) -> list[Event]:
        seen: list[Event] = []
        while not seen or seen[-1].name != "job_completed":
            seen += await stores.events.after(job_id, seen[-1].number if seen else 0, limit=7)
        return seen

    async with asyncio.timeout(60):
        logs, _ = await asyncio.gather(
            asyncio.gather(*map(follow, jobs)),
            asyncio.gather(*(work(lane) for lane in (Lane.INTERACTIVE, Lane.BULK) * 2)),
        )
    for job_id, log in zip(jobs, logs, strict=True):
        assert list(event_log_errors(log, await stores.jobs.tasks(job_id))) == []


async def test_event_feed_has_the_events_of_all_jobs_of_a_collection(stores: Stores) -> None:
    start = await stores.event_feed.now()
    jobs = {(await admit(stores)).job_id for _ in range(2)}
    await admit(stores, collection="others")
    for task in await claim(stores):
        await stores.queue.finish(task, DONE)
    feed = await stores.event_feed.after("papers", start)
    assert {event.job_id for event in feed} == jobs
    for job_id in jobs:
        of_job = [event.number for event in feed if event.job_id == job_id]
        assert sorted(of_job) == list(range(1, 6))
    for place, event in enumerate(feed):
        rest = await stores.event_feed.after("papers", event.position)
        assert rest == feed[place + 1 :]
    assert await stores.event_feed.after("papers", start, limit=3) == feed[:3]
    assert await stores.event_feed.after("papers", await stores.event_feed.now()) == []


async def test_event_feed_contains_errors(stores: Stores) -> None:
    start = await stores.event_feed.now()
    await admit(stores)
    [task] = await claim(stores)
    await stores.queue.fail(task, DAMAGED)
    feed = await stores.event_feed.after("papers", start)
    assert [event.error for event in feed if event.name == "task_failed"] == [DAMAGED]


async def test_event_feed_waits_for_transactions_that_began_earlier(database: Database) -> None:
    stores = postgres_stores(database)
    start = await stores.event_feed.now()
    (early,) = await stores.jobs.admit("papers", [upload()])
    async with database.driver() as connection, connection.transaction():
        insert = "INSERT INTO job_events (job_id, number, after) VALUES ($1, 99, 'queued')"
        await connection.execute(insert, early.job_id)
        (late,) = await stores.jobs.admit("papers", [upload()])
        seen = await stores.event_feed.after("papers", start)
        assert {event.job_id for event in seen} == {early.job_id}
    [behind] = seen
    rest = await stores.event_feed.after("papers", behind.position)
    assert [(event.job_id, event.number) for event in rest] == [
        (early.job_id, 99),
        (late.job_id, 1),
    ]


@pytest.mark.parametrize("text", ["", "1", "x..1", "1.job_1.1", "1..1.", "9" * 19 + "..1"])
def test_feed_position_rejects_other_text(text: str) -> None:
    with pytest.raises(InvalidRequest):
        FeedPosition.parse(text)


def test_feed_position_is_restored_from_its_text() -> None:
    for position in (FeedPosition(7, "", 0), FeedPosition(10**17, "job_" + "a" * 16, 3)):
        assert FeedPosition.parse(str(position)) == position
