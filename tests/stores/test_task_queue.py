"""The queue: who gets which task, for how long, and what its end means. Both stores, same tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from domain.documents import DocumentStatus
from domain.errors import DatabaseUnavailable, LeaseLost
from domain.jobs import JobStatus, Lane, OnDuplicate, Progress, Task, TaskStatus
from stores.database import Database
from stores.embedded_postgres import EmbeddedPostgres
from stores.task_queue import TaskQueue
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
    ready,
    task_now,
    upload,
)


async def test_tasks_are_claimed_in_the_order_in_which_they_came(stores: Stores) -> None:
    first = await admit(stores)
    folder = await stores.jobs.admit("papers", [upload() for _ in range(5)])
    claimed = await claim(stores, limit=3) + await claim(stores, limit=10)
    assert [task.task_id for task in claimed] == [one.task_id for one in [first, *folder]]


async def test_a_claim_takes_no_more_than_its_limit_and_nothing_twice(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(5)])
    assert [len(await claim(stores, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_lane_sees_its_own_tasks_only(stores: Stores) -> None:
    bulk = await admit(stores, lane=Lane.BULK)
    assert await claim(stores, lane=Lane.INTERACTIVE) == []
    assert [task.task_id for task in await claim(stores, lane=Lane.BULK)] == [bulk.task_id]


async def test_a_claim_starts_the_task_and_its_job(stores: Stores) -> None:
    admission = await admit(stores)
    assert (await stores.jobs.job(admission.job_id)).status == JobStatus.QUEUED
    task = await claim_one(stores)
    assert (task.status, task.attempt, task.lease_token) == (TaskStatus.RUNNING, 1, 1)
    assert task.started_at and task.lease_expires_at
    assert (task.lease_expires_at - task.started_at).total_seconds() == pytest.approx(LEASE, 0.1)
    job = await stores.jobs.job(admission.job_id)
    assert job.status == JobStatus.RUNNING and job.started_at and job.counts.running == 1


async def test_a_document_at_work_is_left_alone(stores: Stores) -> None:
    paper = upload()
    first, second = await admit(stores, paper), await admit(stores, paper)
    one = await claim_one(stores)
    assert one.task_id == first.task_id and await claim(stores) == []
    await stores.queue.complete(one, DONE)
    assert (await claim_one(stores)).task_id == second.task_id


async def test_claims_at_the_same_time_share_the_work(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(30)])
    batches = await asyncio.gather(*(claim(stores, limit=10) for _ in range(6)))
    claimed = [task.task_id for batch in batches for task in batch]
    assert len(claimed) == len(set(claimed)) == 30


async def test_claims_at_the_same_time_never_share_a_document(stores: Stores) -> None:
    for paper in [upload() for _ in range(4)]:
        await stores.jobs.admit("papers", [paper] * 4)
    batches = await asyncio.gather(*(claim(stores, limit=3) for _ in range(8)))
    at_work = [task.document_id for batch in batches for task in batch]
    assert len(at_work) == len(set(at_work))


async def test_an_isolated_task_comes_alone(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(4)])
    for task in (await claim(stores))[:2]:
        await stores.queue.retry(task, AWAY, delay_seconds=1, isolate=True)
    newer = await admit(stores)
    await stores.advance(5)
    batches = [await claim(stores) for _ in range(4)]
    assert sorted(len(batch) for batch in batches) == [0, 1, 1, 1]
    assert sum(task.isolate for batch in batches for task in batch) == 2
    assert newer.task_id in {task.task_id for batch in batches for task in batch}


async def test_an_isolated_task_gets_its_turn_although_new_ones_keep_coming(
    stores: Stores,
) -> None:
    task = await begin(stores)
    await stores.queue.retry(task, AWAY, delay_seconds=1, isolate=True)
    await stores.advance(5)
    await admit(stores)
    assert (await claim_one(stores)).task_id == task.task_id


async def test_backoff_is_respected(stores: Stores) -> None:
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


async def test_attempts_are_counted_at_the_claim_and_not_charged_at_a_release(
    stores: Stores,
) -> None:
    task = await begin(stores)
    for _ in range(3):
        await stores.queue.release(task)
        task = await claim_one(stores)
    assert (task.attempt, task.lease_token) == (1, 4)


async def test_a_released_task_keeps_its_place(stores: Stores) -> None:
    task = await begin(stores)
    await admit(stores)
    await stores.queue.release(task)
    assert (await claim(stores, limit=1))[0].task_id == task.task_id


async def test_a_release_may_wait(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.release(task, delay_seconds=30)
    assert await claim(stores) == []
    await stores.advance(31)
    assert (await claim_one(stores)).attempt == 1


async def test_the_last_attempt_is_not_retried(stores: Stores) -> None:
    task = await begin(stores)
    for _ in range(MAX_ATTEMPTS - 1):
        await stores.queue.retry(task, AWAY, delay_seconds=0)
        task = await claim_one(stores)
    assert task.attempt == MAX_ATTEMPTS
    await stores.queue.retry(task, AWAY, delay_seconds=0)
    ended = await task_now(stores, task)
    assert (ended.status, ended.error) == (TaskStatus.FAILED, AWAY)


async def test_a_heartbeat_keeps_the_lease(stores: Stores) -> None:
    task = await begin(stores)
    for _ in range(3):
        await stores.advance(LEASE - 5)
        assert await stores.queue.heartbeat([task], LEASE) == {task.task_id}
        assert await stores.queue.sweep() == 0


async def test_a_heartbeat_extends_own_leases_only(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(4)])
    kept, ended, requeued, taken = await claim(stores)
    await stores.queue.complete(ended, DONE)
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


async def test_a_heartbeat_of_nothing_is_harmless(stores: Stores) -> None:
    assert await stores.queue.heartbeat([], LEASE) == set()


async def test_the_task_of_a_silent_worker_is_tried_again_alone(stores: Stores) -> None:
    task = await begin(stores)
    assert await stores.queue.sweep() == 0
    await stores.advance(LEASE + 1)
    assert await stores.queue.sweep(base_seconds=10) == 1
    swept = await task_now(stores, task)
    assert (swept.status, swept.isolate, swept.attempt) == (TaskStatus.QUEUED, True, 1)
    assert swept.error and swept.error.code == "worker_crashed"
    await stores.advance(4)
    assert await claim(stores) == [], "half the base is the shortest backoff"
    await stores.advance(7)
    assert (await claim_one(stores)).attempt == 2


async def test_a_document_that_kills_its_workers_fails_in_the_end(stores: Stores) -> None:
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


async def test_sweeps_at_the_same_time_take_each_task_once(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(10)])
    await claim(stores)
    await stores.advance(LEASE + 1)
    assert sum(await asyncio.gather(*(stores.queue.sweep() for _ in range(4)))) == 10


WRITES: dict[str, Callable[[Stores, Task], Awaitable[object]]] = {
    "report": lambda stores, task: stores.queue.report(task, Progress(pages_done=1)),
    "complete": lambda stores, task: stores.queue.complete(task, DONE),
    "fail": lambda stores, task: stores.queue.fail(task, DAMAGED),
    "retry": lambda stores, task: stores.queue.retry(task, AWAY, delay_seconds=0),
    "release": lambda stores, task: stores.queue.release(task),
}


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_with_an_old_token_is_refused(stores: Stores, write: str) -> None:
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
async def test_an_ended_task_does_not_move(stores: Stores, write: str) -> None:
    done, damaged = await begin(stores), await begin(stores)
    await stores.queue.complete(done, DONE)
    await stores.queue.fail(damaged, DAMAGED)
    for task, its_own in ((done, "complete"), (damaged, "fail")):
        ended = await task_now(stores, task)
        if write != its_own:
            with pytest.raises(LeaseLost):
                await WRITES[write](stores, task)
        assert await task_now(stores, task) == ended


async def test_an_end_may_be_said_twice(stores: Stores) -> None:
    """The answer to the first call may be lost on its way; the work must not be thrown away."""
    done, damaged = await begin(stores), await begin(stores)
    for _ in range(2):
        await stores.queue.complete(done, DONE)
        await stores.queue.fail(damaged, DAMAGED)
    assert (await task_now(stores, done)).status == TaskStatus.COMPLETED
    assert (await stores.jobs.job(done.job_id)).status == JobStatus.COMPLETED
    assert (await stores.jobs.job(damaged.job_id)).status == JobStatus.FAILED


async def test_progress_is_kept_number_by_number(stores: Stores) -> None:
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


async def test_a_completed_task_publishes_its_document(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.complete(task, DONE)
    ended = await task_now(stores, task)
    assert (ended.pages_done, ended.chunks_done, ended.error) == (DONE.pages, DONE.chunks, None)
    assert ended.searchable_at and ended.finished_at
    document = await stores.documents.get(task.document_id)
    assert (document.status, document.title) == (DocumentStatus.READY, DONE.title)
    assert (document.pages, document.chunks) == (DONE.pages, DONE.chunks)
    assert (document.sections, document.references) == (DONE.sections, DONE.references)
    assert document.searchable_at
    assert await stores.documents.artifact_key(task.document_id) == DONE.artifact_key


async def test_publishing_never_goes_back_to_an_older_version(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    slow = await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS, lane=Lane.BULK)
    quick = await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    newer = await claim_one(stores)
    assert (newer.task_id, newer.version) == (quick.task_id, 3)
    await stores.queue.complete(newer, DONE)
    (older,) = await claim(stores, lane=Lane.BULK)
    assert (older.task_id, older.version) == (slow.task_id, 2)
    await stores.queue.complete(older, DONE)
    document = await stores.documents.get(name)
    assert (document.version, document.status) == (3, DocumentStatus.READY)


async def test_a_failed_new_version_leaves_the_old_one_searchable(stores: Stores) -> None:
    paper = upload()
    name = await ready(stores, paper)
    await admit(stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    await stores.queue.fail(await claim_one(stores), DAMAGED)
    document = await stores.documents.get(name)
    assert (document.version, document.status) == (1, DocumentStatus.READY)


async def test_a_failed_task_remembers_why(stores: Stores) -> None:
    task = await begin(stores)
    await stores.queue.fail(task, DAMAGED)
    assert (await task_now(stores, task)).error == DAMAGED
    document = await stores.documents.get(task.document_id)
    assert document.status == DocumentStatus.FAILED


async def test_depths_count_what_is_open(stores: Stores) -> None:
    await stores.jobs.admit("papers", [upload() for _ in range(4)])
    await admit(stores, lane=Lane.BULK)
    one, _two = await claim(stores, limit=2)
    await stores.queue.complete(one, DONE)
    assert await stores.queue.depths() == {
        ("interactive", "queued"): 2,
        ("interactive", "running"): 1,
        ("bulk", "queued"): 1,
    }


async def test_two_ends_at_the_same_time_close_the_job_once(stores: Stores) -> None:
    for _ in range(10):
        await stores.jobs.admit("papers", [upload(), upload()])
        one, two = await claim(stores)
        await asyncio.gather(stores.queue.complete(one, DONE), stores.queue.fail(two, DAMAGED))
        job = await stores.jobs.job(one.job_id)
        assert job.status == JobStatus.PARTIAL and job.finished_at


async def test_deleting_while_workers_end_their_tasks_never_blocks(stores: Stores) -> None:
    """Documents, tasks, jobs are locked in this order by everybody: no deadlock, no lost end."""
    await stores.jobs.admit("papers", [upload() for _ in range(12)])
    tasks = await claim(stores)
    ends = [stores.queue.complete(task, DONE) for task in tasks]
    deletes = [stores.documents.delete(task.document_id) for task in reversed(tasks)]
    outcomes = await asyncio.gather(*ends, *deletes, return_exceptions=True)
    assert all(isinstance(one, LeaseLost | bool | None) for one in outcomes)
    assert (await stores.jobs.job(tasks[0].job_id)).finished_at


async def test_the_database_refuses_two_workers_on_a_document(database: Database) -> None:
    stores = postgres_stores(database)
    await stores.jobs.admit("papers", [upload("same")] * 2)
    await claim_one(stores)
    with pytest.raises(Exception, match="tasks_running_by_document"):
        async with database.begin() as connection:
            await connection.execute(text("UPDATE tasks SET status = 'running'"))


async def test_a_server_that_is_away_is_named_and_comes_back(
    postgres: EmbeddedPostgres, database: Database
) -> None:
    stores = postgres_stores(database)
    task = await begin(stores)
    await asyncio.to_thread(postgres.stop)
    try:
        for ask in (
            lambda: claim(stores),
            lambda: admit(stores),
            lambda: stores.queue.complete(task, DONE),
            lambda: stores.jobs.job(task.job_id),
            lambda: stores.documents.get(task.document_id),
            database.ping,
        ):
            with pytest.raises(DatabaseUnavailable):
                await ask()
    finally:
        postgres.start()
    await stores.queue.complete(task, DONE)
    await database.ping()
    assert (await stores.jobs.job(task.job_id)).status == JobStatus.COMPLETED


async def test_a_connection_that_is_cut_during_a_statement_is_named(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.begin() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    await database.ping()


async def test_nobody_answers_on_that_port() -> None:
    database = Database("postgres://nobody:secret@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable):
        await TaskQueue(database).depths()
    await database.close()
