"""LaneWorker: claims tasks, runs them on its runner and records their ends despite crashes."""

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
from tests.unit.actors.lane_harness import DONE, POLICY, LaneHarness, RunnerDied

COMPLETED, FAILED, QUEUED = TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.QUEUED
RUNNING = TaskStatus.RUNNING


async def test_lane_worker_batches_all_due_tasks() -> None:
    harness = LaneHarness()
    tasks = await harness.admit("a.pdf", "b.pdf", "c.pdf")
    await harness.work()
    assert set(harness.status(tasks).values()) == {COMPLETED}
    [runner] = harness.runners
    assert runner.warm and not runner.closed
    assert runner.batches == [["a.pdf", "b.pdf", "c.pdf"]]
    assert (await harness.stores.jobs.job(tasks[0].job_id)).status == JobStatus.COMPLETED
    assert not harness.leases.held


async def test_lane_worker_respects_batch_limit() -> None:
    harness = LaneHarness(batch=2)
    tasks = await harness.admit("a.pdf", "b.pdf", "c.pdf")
    await harness.work(batches=2)
    assert harness.runners[0].batches == [["a.pdf", "b.pdf"], ["c.pdf"]]
    assert set(harness.status(tasks).values()) == {COMPLETED}


@pytest.mark.parametrize("next_below", [2, 1])
async def test_next_micro_batch_starts_beside_the_last_papers(next_below: int) -> None:
    """It waits as long as the unfinished papers use all CPUs of the lane."""
    harness = LaneHarness(batch=2)
    harness.next_below = next_below
    harness.stuck.add("slow.pdf")
    _, slow, following = await harness.admit("quick.pdf", "slow.pdf", "next.pdf")
    loops = [asyncio.create_task(harness.worker.run()) for _ in range(2)]
    await asyncio.sleep(0.3)
    has_started = next_below == 2
    assert (harness.now(following).status == COMPLETED) == has_started
    assert harness.now(slow).status == RUNNING
    assert harness.load.busy() == {Lane.BULK}
    harness.worker.draining = True
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    assert not harness.load.busy()


async def test_draining_lane_worker_claims_nothing_after_the_last_papers() -> None:
    harness = LaneHarness(batch=1)
    first, following = await harness.admit("first.pdf", "next.pdf")
    harness.load.add(Lane.BULK, 1)
    waiting = asyncio.create_task(harness.work())
    await asyncio.sleep(0.05)
    harness.worker.draining = True
    harness.load.add(Lane.BULK, -1)
    await waiting
    assert harness.status([first, following]) == {"first.pdf": QUEUED, "next.pdf": QUEUED}


async def test_drain_waits_for_a_running_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its tasks would be leased after the drain has released all others."""
    harness = LaneHarness()
    claims, answers = asyncio.Event(), asyncio.Event()
    queue = harness.stores.queue
    claim = queue.claim
    harness.stuck.add("a.pdf")
    [task] = await harness.admit("a.pdf")

    async def slow_claim(*arguments: Any, **options: Any) -> list[Task]:
        claims.set()
        await answers.wait()
        return await claim(*arguments, **options)

    monkeypatch.setattr(queue, "claim", slow_claim)
    working = asyncio.create_task(harness.work())
    await claims.wait()
    draining = asyncio.create_task(harness.worker.drain())
    await asyncio.sleep(0.05)
    assert not draining.done()
    answers.set()
    await draining
    assert await harness.leases.release_all() == 1
    assert (harness.now(task).status, harness.now(task).attempt) == (QUEUED, 0)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_lane_worker_fails_only_the_bad_document() -> None:
    harness = LaneHarness()
    harness.errors["bad.pdf"] = DamagedPdf(page=3)
    tasks = await harness.admit("a.pdf", "bad.pdf", "c.pdf")
    await harness.work()
    assert harness.status(tasks) == {"a.pdf": COMPLETED, "bad.pdf": FAILED, "c.pdf": COMPLETED}
    bad = harness.now(tasks[1])
    assert bad.attempt == 1
    assert bad.error is not None and (bad.error.code, bad.error.page) == ("damaged_pdf", 3)


async def test_lane_worker_retries_with_backoff_until_max_attempts() -> None:
    harness = LaneHarness()
    harness.errors["a.pdf"] = InternalError()
    [task] = await harness.admit("a.pdf")
    for attempt in (1, 2):
        await harness.work()
        assert (harness.now(task).status, harness.now(task).attempt) == (QUEUED, attempt)
        await harness.work()
        assert harness.now(task).attempt == attempt, "claimed before its backoff had elapsed"
        harness.clock.advance(60)
    await harness.work()
    assert (harness.now(task).status, harness.now(task).attempt) == (FAILED, 3)


async def test_unavailable_store_uses_no_attempt() -> None:
    harness = LaneHarness()
    harness.errors["a.pdf"] = VectorStoreUnavailable()
    [task] = await harness.admit("a.pdf")
    for _ in range(10):
        await harness.work()
        assert (harness.now(task).status, harness.now(task).attempt) == (QUEUED, 0)
        harness.clock.advance(5)
    harness.errors.clear()
    await harness.work()
    assert harness.now(task).status == COMPLETED


async def test_tasks_of_dead_runner_are_requeued_in_isolation() -> None:
    harness = LaneHarness()
    harness.deadly.add("poison.pdf")
    tasks = await harness.admit("a.pdf", "poison.pdf", "c.pdf", "d.pdf")
    await harness.work()
    first, poison, *others = tasks
    assert harness.now(first).status == COMPLETED
    assert all(harness.now(task).status == QUEUED for task in (poison, *others))
    assert all(harness.now(task).isolate for task in (poison, *others))
    assert harness.runners[0].closed and not harness.leases.held

    for _ in range(10):
        harness.clock.advance(60)
        await harness.work()
    assert harness.status(tasks) == {
        "a.pdf": COMPLETED,
        "poison.pdf": FAILED,
        "c.pdf": COMPLETED,
        "d.pdf": COMPLETED,
    }
    assert harness.now(poison).attempt == 3
    later = [batch for runner in harness.runners[1:] for batch in runner.batches]
    assert later and all(len(batch) == 1 for batch in later)
    error = harness.now(poison).error
    assert error is not None and error.code == "worker_crashed"


async def test_tasks_without_outcome_are_requeued() -> None:
    harness = LaneHarness()
    harness.silent.add("b.pdf")
    tasks = await harness.admit("a.pdf", "b.pdf", "c.pdf")
    await harness.work()
    assert harness.status(tasks) == {"a.pdf": COMPLETED, "b.pdf": QUEUED, "c.pdf": QUEUED}
    assert not harness.leases.held


async def test_runner_is_replaced_if_no_task_has_an_outcome() -> None:
    harness = LaneHarness()
    harness.silent.add("a.pdf")
    await harness.admit("a.pdf", "b.pdf")
    await harness.work()
    assert harness.runners[0].closed and not harness.leases.held


async def test_runner_is_kept_if_a_task_has_an_outcome() -> None:
    harness = LaneHarness()
    harness.silent.add("b.pdf")
    await harness.admit("a.pdf", "b.pdf")
    await harness.work()
    assert not harness.runners[0].closed


async def test_watchdog_replaces_silent_runner() -> None:
    harness = LaneHarness(policy=replace(POLICY, stall_seconds=0.1))
    harness.stuck.add("stuck.pdf")
    tasks = await harness.admit("a.pdf", "stuck.pdf", "c.pdf")
    await harness.work()
    assert harness.status(tasks) == {"a.pdf": COMPLETED, "stuck.pdf": QUEUED, "c.pdf": QUEUED}
    assert harness.runners[0].closed and not harness.leases.held
    for _ in range(5):
        harness.clock.advance(60)
        await harness.work()
    assert harness.status(tasks) == {"a.pdf": COMPLETED, "stuck.pdf": FAILED, "c.pdf": COMPLETED}
    error = harness.now(tasks[1]).error
    assert error is not None and error.code == "worker_stalled"


async def test_watchdog_keeps_runner_that_reports_progress() -> None:
    harness = LaneHarness(policy=replace(POLICY, stall_seconds=1))
    harness.stuck.add("slow.pdf")
    [task] = await harness.admit("slow.pdf")
    working = asyncio.create_task(harness.work())
    for _ in range(15):
        await asyncio.sleep(0.1)
        for held in list(harness.leases.held.values()):
            harness.leases.record_progress(held, Progress())
    assert not working.done() and harness.now(task).status == RUNNING
    await working
    assert harness.now(task).status == QUEUED


async def test_runner_pool_recycles_runner_after_batches() -> None:
    harness = LaneHarness(batch=1, recycle_after=2)
    await harness.admit("a.pdf", "b.pdf", "c.pdf")
    await harness.work(batches=3)
    assert [len(runner.batches) for runner in harness.runners] == [2, 1]
    assert [runner.closed for runner in harness.runners] == [True, False]


async def test_lane_worker_survives_failed_warm_up_and_drains() -> None:
    harness = LaneHarness(batch=1)
    harness.cold_starts = 1
    tasks = await harness.admit("a.pdf", "b.pdf")
    await harness.run_until(lambda: set(harness.status(tasks).values()) == {COMPLETED})
    assert harness.runners[0].closed and harness.runners[1].warm


async def test_lane_worker_polls_without_wake_up() -> None:
    harness = LaneHarness()
    tasks = await harness.admit("a.pdf")
    await harness.run_until(lambda: harness.now(tasks[0]).status == COMPLETED)


async def test_runner_pool_pid_of_dead_runner_is_none() -> None:
    harness = LaneHarness()
    assert await harness.pool.pid() is None
    runner = await harness.pool.open()
    assert await harness.pool.pid() == 4711
    runner.handle.close()
    assert await harness.pool.pid() is None


async def test_runner_pool_closes_shared_runner_after_last_batch() -> None:
    harness = LaneHarness(recycle_after=2)
    with pytest.raises(RunnerDied):
        async with harness.pool.acquire() as first, harness.pool.acquire() as second:
            assert first is second
            raise RunnerDied
    [runner] = harness.runners
    assert runner.closed
    async with harness.pool.acquire() as third:
        with pytest.raises(RunnerDied):
            async with harness.pool.acquire():
                raise RunnerDied
        assert not harness.runners[1].closed, "another lane still uses the runner"
        async with harness.pool.acquire() as fourth:
            assert fourth is not third, "a failed runner must not get new batches"
    assert harness.runners[1].closed and not harness.runners[2].closed


async def test_next_step_wakes_its_lane_and_keeps_older_version() -> None:
    harness = LaneHarness()
    woken: list[Lane] = []
    harness.leases.wake = woken.append
    [task] = await harness.admit("a.pdf")
    harness.finished["a.pdf"] = replace(DONE, chunks=0, next_step=Step.OCR)
    await harness.work()
    assert woken == [Lane.OCR]
    assert (harness.now(task).status, harness.now(task).lane) == (QUEUED, Lane.OCR)
    assert harness.queued_deletions() == []


async def test_record_error_retires_no_runner_and_charges_no_other_task() -> None:
    harness = LaneHarness()
    finish = harness.stores.queue.finish

    async def finish_or_fail(task: Task, result: StepResult) -> None:
        if task.filename == "bad.pdf":
            raise RuntimeError("unexpected database response")
        await finish(task, result)

    harness.stores.queue.finish = finish_or_fail  # pyright: ignore[reportAttributeAccessIssue]
    tasks = await harness.admit("a.pdf", "bad.pdf", "c.pdf")
    await harness.work()
    assert harness.status(tasks) == {"a.pdf": COMPLETED, "bad.pdf": RUNNING, "c.pdf": COMPLETED}
    assert not harness.runners[0].closed and len(harness.runners) == 1
    assert not harness.leases.held, "the lease of the unrecorded task must expire"
    harness.stores.queue.finish = finish
    harness.clock.advance(POLICY.lease_seconds + 1)
    await harness.stores.queue.sweep()
    harness.clock.advance(60)
    await harness.work()
    assert harness.now(tasks[1]).status == COMPLETED


async def test_record_failure_error_untracks_all_tasks() -> None:
    harness = LaneHarness()
    retry = harness.stores.queue.retry

    async def retry_or_fail(task: Task, *arguments: Any, **options: Any) -> None:
        if task.filename == "b.pdf":
            raise RuntimeError("unexpected database response")
        await retry(task, *arguments, **options)

    harness.stores.queue.retry = retry_or_fail  # pyright: ignore[reportAttributeAccessIssue]
    harness.deadly.add("a.pdf")
    tasks = await harness.admit("a.pdf", "b.pdf", "c.pdf")
    await harness.work()
    assert harness.status(tasks) == {"a.pdf": QUEUED, "b.pdf": RUNNING, "c.pdf": QUEUED}
    assert not harness.leases.held


async def test_milvus_outage_during_cleanup_uses_no_attempt() -> None:
    harness = LaneHarness()
    harness.eraser.error = VectorStoreUnavailable()
    uploads = [Upload(f"{name}.pdf", name * 64, 10) for name in "abc"]
    for some in (uploads[:1], uploads):
        admitted = await harness.stores.jobs.admit(
            "papers", some, lane=Lane.BULK, on_duplicate=OnDuplicate.REPROCESS
        )
        await harness.work()
    tasks = await harness.stores.jobs.tasks(admitted[0].job_id)
    assert set(harness.status(tasks).values()) == {COMPLETED}
    assert [harness.now(task).attempt for task in tasks] == [1, 1, 1]
    assert not harness.runners[0].closed and len(harness.runners) == 1
    with pytest.raises(VectorStoreUnavailable):
        await harness.cleanup.run_once()
    assert harness.queued_deletions() == [VersionRange(tasks[0].document_id, 0, 1)]
