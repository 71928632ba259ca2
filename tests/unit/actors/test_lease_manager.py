"""What is held is a copy: leases that are lost drop out, and the store decides."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.deletions import VersionRange
from domain.errors import DatabaseUnavailable, LeaseLost, failure_of
from domain.jobs import Lane, OnDuplicate, Progress, Task, TaskStatus, Upload
from tests.unit.actors.desk import RULES, Ended, House


async def claim(house: House) -> list[Task]:
    """Everything that is due, taken into the ledger."""
    lease = RULES.lease_seconds
    tasks = await house.stores.queue.claim(Lane.BULK, 100, worker="worker", lease_seconds=lease)
    house.ledger.take(tasks)
    return tasks


async def steal(house: House, task: Task) -> Task:
    """The task in the hands of somebody else, after its lease had ended."""
    house.clock.pass_seconds(RULES.lease_seconds + 1)
    await house.stores.queue.sweep()
    house.clock.pass_seconds(600)
    [stolen] = await house.stores.queue.claim(Lane.BULK, 1, worker="thief", lease_seconds=30)
    assert stolen.task_id == task.task_id
    return stolen


async def test_a_heartbeat_keeps_what_is_held() -> None:
    house = House()
    await house.admit("a.pdf")
    [task] = await claim(house)
    for _ in range(5):
        house.clock.pass_seconds(RULES.lease_seconds * 0.8)
        await house.ledger.beat()
    assert await house.stores.queue.sweep() == 0
    assert house.ledger.held == {task.task_id: task}


async def test_a_heartbeat_drops_what_was_lost() -> None:
    house = House()
    await house.admit("a.pdf")
    [task] = await claim(house)
    await steal(house, task)
    await house.ledger.beat()
    assert not house.ledger.held
    assert house.ledger.empty.is_set()


async def test_the_result_of_a_lost_task_is_thrown_away() -> None:
    house = House()
    await house.admit("a.pdf")
    [task] = await claim(house)
    stolen = await steal(house, task)
    await house.ledger.record(Ended(task))
    assert house.now(task).status == TaskStatus.RUNNING
    assert house.now(task).lease_token == stolen.lease_token
    await house.stores.queue.finish(stolen, Ended(stolen).finished or pytest.fail())
    assert not house.doomed(), "chunks of the new owner must stay"


@pytest.mark.parametrize("is_done", [True, False])
async def test_late_chunks_of_a_deleted_document_are_cleared_away(is_done: bool) -> None:
    house = House()
    await house.admit("a.pdf")
    [task] = await claim(house)
    await house.stores.documents.delete(task.document_id)
    assert await house.cleanup.run_once() == 1
    lost = failure_of(LeaseLost())
    await house.ledger.record(Ended(task) if is_done else Ended(task, None, lost))
    assert house.doomed() == [VersionRange(task.document_id, 1, 1)]
    assert not house.ledger.held


async def test_work_of_a_cancelled_job_hears_that_nobody_wants_it() -> None:
    house = House()
    await house.admit("a.pdf")
    await house.admit("b.pdf")
    task, other = await claim(house)
    await house.stores.job_control.cancel(task.job_id)
    assert house.ledger.note(task, Progress(pages_done=1)), "nobody has told it"
    house.ledger.drop_job(task.job_id)
    assert not house.ledger.note(task, Progress(pages_done=2))
    assert house.ledger.note(other, Progress(pages_done=1))
    await house.ledger.record(Ended(task, None, failure_of(LeaseLost())))
    assert house.now(task).status == TaskStatus.CANCELLED
    assert house.doomed() == [VersionRange(task.document_id, 1, 1)] * 2, (
        "the cancel and the late end"
    )


async def test_late_chunks_stay_where_another_job_waits_for_the_same_version() -> None:
    house = House()
    upload = Upload("a.pdf", "0" * 64, 10)
    for _ in range(2):
        await house.stores.jobs.admit("papers", [upload], lane=Lane.BULK)
    [task] = await claim(house)
    await house.stores.job_control.cancel(task.job_id)
    await house.ledger.record(Ended(task))
    assert house.doomed() == []


async def test_a_new_version_puts_the_older_ones_into_the_deletion_queue() -> None:
    house = House()
    upload = Upload("a.pdf", "0" * 64, 10)
    for version in (1, 2):
        await house.stores.jobs.admit(
            "papers", [upload], lane=Lane.BULK, on_duplicate=OnDuplicate.REPROCESS
        )
        [task] = await claim(house)
        assert task.version == version
        await house.ledger.record(Ended(task))
    assert house.doomed() == [VersionRange(task.document_id, 0, 1)]


async def test_what_is_released_is_not_charged_and_keeps_its_place() -> None:
    house = House()
    tasks = await house.admit("a.pdf", "b.pdf")
    await claim(house)
    assert await house.ledger.release_all() == 2
    assert house.ledger.empty.is_set()
    for task in tasks:
        now = house.now(task)
        assert (now.status, now.attempt) == (TaskStatus.QUEUED, 0)
    assert [task.filename for task in await claim(house)] == ["a.pdf", "b.pdf"]


async def test_progress_is_added_up_and_written_with_the_next_flush() -> None:
    house = House()
    await house.admit("a.pdf")
    [task] = await claim(house)
    house.ledger.note(task, Progress(pages_done=1, pages_total=3))
    house.ledger.note(task, Progress(pages_done=2))
    house.ledger.note(task, Progress(chunks_done=4))
    assert house.now(task).pages_done == 0
    await house.ledger.flush()
    now = house.now(task)
    assert (now.pages_done, now.pages_total, now.chunks_done) == (2, 3, 4)
    await house.ledger.record(Ended(task))
    house.ledger.note(task, Progress(pages_done=1))
    await house.ledger.flush()
    assert house.now(task).pages_done == 2, "progress came after the end and was believed"


async def test_an_outcome_waits_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    await house.admit("a.pdf")
    [task] = await claim(house)
    complete, refusals = house.stores.queue.finish, [1, 2]

    async def sometimes(*arguments: Any) -> None:
        if refusals:
            refusals.pop()
            raise DatabaseUnavailable
        await complete(*arguments)

    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(house.stores.queue, "finish", sometimes)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await house.ledger.record(Ended(task))
    assert house.now(task).status == TaskStatus.COMPLETED
    assert len(pauses) == 2
