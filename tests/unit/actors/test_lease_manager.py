"""LeaseManager: lost leases are untracked; the job store is authoritative."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.deletions import VersionRange
from domain.errors import DatabaseUnavailable, LeaseLost, failure_of
from domain.jobs import Lane, OnDuplicate, Progress, Task, TaskStatus, Upload
from tests.unit.actors.lane_harness import POLICY, Ended, LaneHarness


async def claim(harness: LaneHarness) -> list[Task]:
    """Claims and tracks all due tasks."""
    lease = POLICY.lease_seconds
    tasks = await harness.stores.queue.claim(Lane.BULK, 100, worker="worker", lease_seconds=lease)
    harness.leases.track(tasks)
    return tasks


async def steal(harness: LaneHarness, task: Task) -> Task:
    """Lets the lease expire; returns the task as claimed by another worker."""
    harness.clock.advance(POLICY.lease_seconds + 1)
    await harness.stores.queue.sweep()
    harness.clock.advance(600)
    [stolen] = await harness.stores.queue.claim(Lane.BULK, 1, worker="other", lease_seconds=30)
    assert stolen.task_id == task.task_id
    return stolen


async def test_heartbeat_extends_held_leases() -> None:
    harness = LaneHarness()
    await harness.admit("a.pdf")
    [task] = await claim(harness)
    for _ in range(5):
        harness.clock.advance(POLICY.lease_seconds * 0.8)
        await harness.leases.heartbeat()
    assert await harness.stores.queue.sweep() == 0
    assert harness.leases.held == {task.task_id: task}


async def test_heartbeat_untracks_lost_leases() -> None:
    harness = LaneHarness()
    await harness.admit("a.pdf")
    [task] = await claim(harness)
    await steal(harness, task)
    await harness.leases.heartbeat()
    assert not harness.leases.held
    assert harness.leases.empty.is_set()


async def test_result_of_lost_lease_is_discarded() -> None:
    harness = LaneHarness()
    await harness.admit("a.pdf")
    [task] = await claim(harness)
    stolen = await steal(harness, task)
    await harness.leases.record(Ended(task))
    assert harness.now(task).status == TaskStatus.RUNNING
    assert harness.now(task).lease_token == stolen.lease_token
    await harness.stores.queue.finish(stolen, Ended(stolen).finished or pytest.fail())
    assert not harness.queued_deletions(), "chunks of the new owner must be kept"


@pytest.mark.parametrize("is_done", [True, False])
async def test_late_chunks_of_deleted_document_are_queued_for_deletion(is_done: bool) -> None:
    harness = LaneHarness()
    await harness.admit("a.pdf")
    [task] = await claim(harness)
    await harness.stores.documents.delete(task.document_id)
    assert await harness.cleanup.run_once() == 1
    lost = failure_of(LeaseLost())
    await harness.leases.record(Ended(task) if is_done else Ended(task, None, lost))
    assert harness.queued_deletions() == [VersionRange(task.document_id, 1, 1)]
    assert not harness.leases.held


async def test_progress_report_of_cancelled_job_returns_false() -> None:
    harness = LaneHarness()
    await harness.admit("a.pdf")
    await harness.admit("b.pdf")
    task, other = await claim(harness)
    await harness.stores.job_control.cancel(task.job_id)
    assert harness.leases.record_progress(task, Progress(pages_done=1)), (
        "the JobManager was not notified yet"
    )
    harness.leases.untrack_job(task.job_id)
    assert not harness.leases.record_progress(task, Progress(pages_done=2))
    assert harness.leases.record_progress(other, Progress(pages_done=1))
    await harness.leases.record(Ended(task, None, failure_of(LeaseLost())))
    assert harness.now(task).status == TaskStatus.CANCELLED
    assert harness.queued_deletions() == [VersionRange(task.document_id, 1, 1)] * 2, (
        "one for the cancel, one for the late end"
    )


async def test_late_chunks_of_shared_version_are_kept() -> None:
    harness = LaneHarness()
    upload = Upload("a.pdf", "0" * 64, 10)
    for _ in range(2):
        await harness.stores.jobs.admit("papers", [upload], lane=Lane.BULK)
    [task] = await claim(harness)
    await harness.stores.job_control.cancel(task.job_id)
    await harness.leases.record(Ended(task))
    assert harness.queued_deletions() == []


async def test_new_version_queues_deletion_of_older_versions() -> None:
    harness = LaneHarness()
    upload = Upload("a.pdf", "0" * 64, 10)
    for version in (1, 2):
        await harness.stores.jobs.admit(
            "papers", [upload], lane=Lane.BULK, on_duplicate=OnDuplicate.REPROCESS
        )
        [task] = await claim(harness)
        assert task.version == version
        await harness.leases.record(Ended(task))
    assert harness.queued_deletions() == [VersionRange(task.document_id, 0, 1)]


async def test_released_tasks_use_no_attempt_and_keep_queue_order() -> None:
    harness = LaneHarness()
    tasks = await harness.admit("a.pdf", "b.pdf")
    await claim(harness)
    assert await harness.leases.release_all() == 2
    assert harness.leases.empty.is_set()
    for task in tasks:
        now = harness.now(task)
        assert (now.status, now.attempt) == (TaskStatus.QUEUED, 0)
    assert [task.filename for task in await claim(harness)] == ["a.pdf", "b.pdf"]


async def test_progress_reports_are_merged_until_flush() -> None:
    harness = LaneHarness()
    await harness.admit("a.pdf")
    [task] = await claim(harness)
    harness.leases.record_progress(task, Progress(pages_done=1, pages_total=3))
    harness.leases.record_progress(task, Progress(pages_done=2))
    harness.leases.record_progress(task, Progress(chunks_done=4))
    assert harness.now(task).pages_done == 0
    await harness.leases.flush()
    now = harness.now(task)
    assert (now.pages_done, now.pages_total, now.chunks_done) == (2, 3, 4)
    await harness.leases.record(Ended(task))
    harness.leases.record_progress(task, Progress(pages_done=1))
    await harness.leases.flush()
    assert harness.now(task).pages_done == 2, "progress after the end must be ignored"


async def test_lease_manager_retries_commit_until_database_is_available(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    harness = LaneHarness()
    await harness.admit("a.pdf")
    [task] = await claim(harness)
    complete, refusals = harness.stores.queue.finish, [1, 2]

    async def finish_after_two_errors(*arguments: Any) -> None:
        if refusals:
            refusals.pop()
            raise DatabaseUnavailable
        await complete(*arguments)

    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(harness.stores.queue, "finish", finish_after_two_errors)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await harness.leases.record(Ended(task))
    assert harness.now(task).status == TaskStatus.COMPLETED
    assert len(pauses) == 2
