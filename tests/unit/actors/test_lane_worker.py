"""A lane claims work, hands it to its runner, and writes down how it ended, whatever dies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from domain.deletions import VersionRange
from domain.errors import DamagedPdf, InternalError, VectorStoreUnavailable
from domain.jobs import (
    JobStatus,
    Lane,
    OnDuplicate,
    Progress,
    Step,
    StepResult,
    Task,
    TaskStatus,
    Upload,
)
from tests.unit.actors.desk import DONE, RULES, House, RunnerDied

COMPLETED, FAILED, QUEUED = TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.QUEUED
RUNNING = TaskStatus.RUNNING


async def test_everything_that_waits_goes_into_one_batch() -> None:
    house = House()
    tasks = await house.admit("a.pdf", "b.pdf", "c.pdf")
    await house.work()
    assert set(house.status(tasks).values()) == {COMPLETED}
    [runner] = house.runners
    assert runner.warm and not runner.closed
    assert runner.batches == [["a.pdf", "b.pdf", "c.pdf"]]
    assert (await house.stores.jobs.job(tasks[0].job_id)).status == JobStatus.COMPLETED
    assert not house.ledger.held


async def test_a_batch_is_no_larger_than_its_lane_allows() -> None:
    house = House(batch=2)
    tasks = await house.admit("a.pdf", "b.pdf", "c.pdf")
    await house.work(batches=2)
    assert house.runners[0].batches == [["a.pdf", "b.pdf"], ["c.pdf"]]
    assert set(house.status(tasks).values()) == {COMPLETED}


async def test_a_bad_document_fails_at_once_and_stops_no_other() -> None:
    house = House()
    house.errors["bad.pdf"] = DamagedPdf(page=3)
    tasks = await house.admit("a.pdf", "bad.pdf", "c.pdf")
    await house.work()
    assert house.status(tasks) == {"a.pdf": COMPLETED, "bad.pdf": FAILED, "c.pdf": COMPLETED}
    bad = house.now(tasks[1])
    assert bad.attempt == 1
    assert bad.error is not None and (bad.error.code, bad.error.page) == ("damaged_pdf", 3)


async def test_a_retryable_failure_waits_and_is_tried_again_until_attempts_are_used_up() -> None:
    house = House()
    house.errors["a.pdf"] = InternalError()
    [task] = await house.admit("a.pdf")
    for attempt in (1, 2):
        await house.work()
        assert (house.now(task).status, house.now(task).attempt) == (QUEUED, attempt)
        await house.work()
        assert house.now(task).attempt == attempt, "it was claimed before its backoff had passed"
        house.clock.pass_seconds(60)
    await house.work()
    assert (house.now(task).status, house.now(task).attempt) == (FAILED, 3)


async def test_a_store_that_is_away_costs_no_attempt() -> None:
    house = House()
    house.errors["a.pdf"] = VectorStoreUnavailable()
    [task] = await house.admit("a.pdf")
    for _ in range(10):
        await house.work()
        assert (house.now(task).status, house.now(task).attempt) == (QUEUED, 0)
        house.clock.pass_seconds(5)
    house.errors.clear()
    await house.work()
    assert house.now(task).status == COMPLETED


async def test_when_a_runner_dies_its_tasks_are_queued_again_to_run_alone() -> None:
    house = House()
    house.deadly.add("poison.pdf")
    tasks = await house.admit("a.pdf", "poison.pdf", "c.pdf", "d.pdf")
    await house.work()
    first, poison, *others = tasks
    assert house.now(first).status == COMPLETED
    assert all(house.now(task).status == QUEUED for task in (poison, *others))
    assert all(house.now(task).isolate for task in (poison, *others))
    assert house.runners[0].closed and not house.ledger.held

    for _ in range(10):
        house.clock.pass_seconds(60)
        await house.work()
    assert house.status(tasks) == {
        "a.pdf": COMPLETED,
        "poison.pdf": FAILED,
        "c.pdf": COMPLETED,
        "d.pdf": COMPLETED,
    }
    assert house.now(poison).attempt == 3
    later = [batch for runner in house.runners[1:] for batch in runner.batches]
    assert later and all(len(batch) == 1 for batch in later)
    error = house.now(poison).error
    assert error is not None and error.code == "worker_crashed"


async def test_tasks_that_a_runner_says_nothing_about_are_tried_again() -> None:
    house = House()
    house.silent.add("b.pdf")
    tasks = await house.admit("a.pdf", "b.pdf", "c.pdf")
    await house.work()
    assert house.status(tasks) == {"a.pdf": COMPLETED, "b.pdf": QUEUED, "c.pdf": QUEUED}
    assert not house.ledger.held


async def test_a_runner_of_which_nothing_is_heard_is_replaced() -> None:
    house = House(rules=replace(RULES, stall_seconds=0.1))
    house.stuck.add("stuck.pdf")
    tasks = await house.admit("a.pdf", "stuck.pdf", "c.pdf")
    await house.work()
    assert house.status(tasks) == {"a.pdf": COMPLETED, "stuck.pdf": QUEUED, "c.pdf": QUEUED}
    assert house.runners[0].closed and not house.ledger.held
    for _ in range(5):
        house.clock.pass_seconds(60)
        await house.work()
    assert house.status(tasks) == {"a.pdf": COMPLETED, "stuck.pdf": FAILED, "c.pdf": COMPLETED}
    error = house.now(tasks[1]).error
    assert error is not None and error.code == "worker_stalled"


async def test_who_gives_a_sign_of_life_is_left_alone() -> None:
    house = House(rules=replace(RULES, stall_seconds=1))
    house.stuck.add("slow.pdf")
    [task] = await house.admit("slow.pdf")
    working = asyncio.create_task(house.work())
    for _ in range(15):
        await asyncio.sleep(0.1)
        for held in list(house.ledger.held.values()):
            house.ledger.note(held, Progress())
    assert not working.done() and house.now(task).status == RUNNING
    await working
    assert house.now(task).status == QUEUED


async def test_a_runner_is_replaced_after_so_many_runs() -> None:
    house = House(batch=1, recycle_after=2)
    await house.admit("a.pdf", "b.pdf", "c.pdf")
    await house.work(batches=3)
    assert [len(runner.batches) for runner in house.runners] == [2, 1]
    assert [runner.closed for runner in house.runners] == [True, False]


async def test_a_lane_serves_through_dying_and_cold_runners_and_drains_when_told() -> None:
    house = House(batch=1)
    house.cold_starts = 1
    tasks = await house.admit("a.pdf", "b.pdf")
    await house.serve_until(lambda: set(house.status(tasks).values()) == {COMPLETED})
    assert house.runners[0].closed and house.runners[1].warm


async def test_a_wake_up_is_not_needed() -> None:
    house = House()
    house.desk.woken.clear()
    tasks = await house.admit("a.pdf")
    await house.serve_until(lambda: house.now(tasks[0]).status == COMPLETED)


async def test_the_process_id_of_a_dead_runner_is_none() -> None:
    house = House()
    assert await house.slot.pid() is None
    runner = await house.slot.open()
    assert await house.slot.pid() == 4711
    runner.link.close()
    assert await house.slot.pid() is None


async def test_lanes_that_share_a_runner_do_not_end_each_other() -> None:
    house = House(recycle_after=2)
    with pytest.raises(RunnerDied):
        async with house.slot.taken() as first, house.slot.taken() as second:
            assert first is second
            raise RunnerDied
    [runner] = house.runners
    assert runner.closed
    async with house.slot.taken() as third:
        with pytest.raises(RunnerDied):
            async with house.slot.taken():
                raise RunnerDied
        assert not house.runners[1].closed, "another lane is at work on it"
        async with house.slot.taken() as fourth:
            assert fourth is not third, "a runner that failed gets no new work"
    assert house.runners[1].closed and not house.runners[2].closed


async def test_the_next_step_wakes_its_lane_and_leaves_the_older_version_until_it_is_shown() -> (
    None
):
    house = House()
    woken: list[Lane] = []
    house.ledger.wake = woken.append
    [task] = await house.admit("a.pdf")
    house.finished["a.pdf"] = replace(DONE, chunks=0, next_step=Step.OCR)
    await house.work()
    assert woken == [Lane.OCR]
    assert (house.now(task).status, house.now(task).lane) == (QUEUED, Lane.OCR)
    assert house.doomed() == []


async def test_an_error_while_an_end_is_recorded_retires_no_runner_and_charges_no_other() -> None:
    house = House()
    finish = house.stores.queue.finish

    async def finish_or_fail(task: Task, result: StepResult) -> None:
        if task.filename == "bad.pdf":
            raise RuntimeError("an unexpected answer of the database")
        await finish(task, result)

    house.stores.queue.finish = finish_or_fail  # pyright: ignore[reportAttributeAccessIssue]
    tasks = await house.admit("a.pdf", "bad.pdf", "c.pdf")
    await house.work()
    assert house.status(tasks) == {"a.pdf": COMPLETED, "bad.pdf": RUNNING, "c.pdf": COMPLETED}
    assert not house.runners[0].closed and len(house.runners) == 1
    assert not house.ledger.held, "the lease of the unrecorded task must run out"
    house.stores.queue.finish = finish
    house.clock.pass_seconds(RULES.lease_seconds + 1)
    await house.stores.queue.sweep()
    house.clock.pass_seconds(60)
    await house.work()
    assert house.now(tasks[1]).status == COMPLETED


async def test_a_failure_that_cannot_be_recorded_leaves_no_other_task_held() -> None:
    house = House()
    retry = house.stores.queue.retry

    async def retry_or_fail(task: Task, *arguments: Any, **options: Any) -> None:
        if task.filename == "b.pdf":
            raise RuntimeError("an unexpected answer of the database")
        await retry(task, *arguments, **options)

    house.stores.queue.retry = retry_or_fail  # pyright: ignore[reportAttributeAccessIssue]
    house.deadly.add("a.pdf")
    tasks = await house.admit("a.pdf", "b.pdf", "c.pdf")
    await house.work()
    assert house.status(tasks) == {"a.pdf": QUEUED, "b.pdf": RUNNING, "c.pdf": QUEUED}
    assert not house.ledger.held


async def test_an_outage_of_milvus_while_old_versions_go_charges_no_attempt() -> None:
    house = House()
    house.eraser.error = VectorStoreUnavailable()
    uploads = [Upload(f"{name}.pdf", name * 64, 10) for name in "abc"]
    for some in (uploads[:1], uploads):
        admitted = await house.stores.jobs.admit(
            "papers", some, lane=Lane.BULK, on_duplicate=OnDuplicate.REPROCESS
        )
        await house.work()
    tasks = await house.stores.jobs.tasks(admitted[0].job_id)
    assert set(house.status(tasks).values()) == {COMPLETED}
    assert [house.now(task).attempt for task in tasks] == [1, 1, 1]
    assert not house.runners[0].closed and len(house.runners) == 1
    with pytest.raises(VectorStoreUnavailable):
        await house.cleanup.run_once()
    assert house.doomed() == [VersionRange(tasks[0].document_id, 0, 1)]
