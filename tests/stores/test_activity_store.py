"""The activity of the last hour and the state of the queues, on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from domain.activity import MINUTES, NO_DURATIONS, Activity, Minute, RequestTimes
from domain.jobs import Lane
from domain.system import LaneQueue, StoreTotals
from stores.postgres.activity_store import ENDS, ActivityStore
from stores.postgres.database import Database
from stores.postgres.system_queries import SystemQueries
from tests.stores.postgres import Stores, postgres_stores
from tests.stores.work import DAMAGED, DONE, HOUR, admit, begin, claim, upload


@pytest.fixture
def stores(database: Database) -> Stores:
    """The real stores only: the fakes have no event log of this kind."""
    return postgres_stores(database)


def sums(hour: list[Minute]) -> tuple[int, int, int]:
    return (
        sum(one.completed for one in hour),
        sum(one.failed for one in hour),
        sum(one.pages for one in hour),
    )


async def test_hour_counts_ends_of_papers(database: Database, stores: Stores) -> None:
    activity, paper = ActivityStore(database), upload()
    await stores.queue.finish(await begin(stores, paper), DONE)
    await admit(stores, paper)  # a duplicate ends without work
    failed = await begin(stores)
    await stores.queue.fail(failed, DAMAGED)
    await stores.job_control.retry(failed.job_id)
    [again] = await claim(stores)
    await stores.queue.finish(again, DONE)
    hour = await activity.last_hour()
    assert len(hour) == MINUTES
    assert {two.at - one.at for one, two in pairwise(hour)} == {timedelta(minutes=1)}
    assert sums(hour) == (2, 1, 6), "the failure before the retry counts"
    assert sums(hour[:-2]) == (0, 0, 0)
    await stores.advance(HOUR / 2)
    assert sums(await activity.last_hour()) == (2, 1, 6)
    await stores.advance(HOUR / 2 + 60)
    assert sums(await activity.last_hour()) == (0, 0, 0)


async def test_ends_are_found_by_their_index(database: Database, stores: Stores) -> None:
    await begin(stores)
    async with database.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await connection.execute(text(f"EXPLAIN {ENDS.text}"))
        assert "job_events_ends" in "\n".join(plan.scalars())


def times(at: datetime, *positions: int, activity: Activity = Activity.SEARCH) -> RequestTimes:
    counts = [positions.count(number) for number in range(len(NO_DURATIONS))]
    return RequestTimes(at, activity, counts)


async def test_durations_of_processes_are_summed(database: Database) -> None:
    activity = ActivityStore(database)
    now = (await activity.last_hour())[-1].at
    for _ in range(2):  # writing again changes nothing
        await activity.write("one", [times(now, 3, 3, 7)])
    await activity.write("one", [times(now, 3, 3, 7, 50)])
    await activity.write("two", [times(now, 3), times(now, 9, activity=Activity.UPLOAD)])
    hour = await activity.last_hour()
    [shown] = [one for one in hour if sum(one.searches)]
    assert (shown.searches[3], shown.searches[7], shown.searches[50]) == (3, 1, 1)
    assert shown.uploads[9] == 1


async def test_old_durations_are_deleted(database: Database) -> None:
    activity = ActivityStore(database)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    await activity.write("one", [times(now - timedelta(hours=3), 1), times(now, 1)])
    async with database.single() as connection:
        left = (await connection.execute(text("SELECT minute FROM request_times"))).scalars()
        assert list(left) == [now]


async def test_lanes_report_how_long_the_oldest_paper_waits(
    database: Database, stores: Stores
) -> None:
    queries = SystemQueries(database)
    assert await queries.lanes() == {}
    await admit(stores)
    await claim(stores)
    await admit(stores)
    await stores.advance(100)
    await admit(stores)
    await admit(stores, lane=Lane.BULK)
    lanes = await queries.lanes()
    interactive = lanes[Lane.INTERACTIVE]
    assert (interactive.queued, interactive.running) == (2, 1)
    assert interactive.waiting_since is not None
    waited = datetime.now(UTC) - interactive.waiting_since
    assert waited > timedelta(seconds=99)
    assert lanes[Lane.BULK] == LaneQueue(1, 0, lanes[Lane.BULK].waiting_since)


async def test_totals_count_papers_that_are_not_deleted(database: Database, stores: Stores) -> None:
    queries = SystemQueries(database)
    empty = await queries.totals()
    assert empty == StoreTotals(database_bytes=empty.database_bytes)
    assert empty.database_bytes > 1_000_000
    for name in ("ab", "abcd"):
        await stores.queue.finish(await begin(stores, upload(name)), DONE)
    await admit(stores, upload("abcdefgh"))
    assert totals_of(await queries.totals()) == (3, 14, 14, 0)
    [document] = (await stores.documents.list(limit=1)).items
    await stores.documents.delete(document.document_id)
    assert totals_of(await queries.totals()) == (2, 6, 14, 1)


def totals_of(totals: StoreTotals) -> Any:
    return totals.papers, totals.pdf_bytes, totals.passages, totals.deletions
