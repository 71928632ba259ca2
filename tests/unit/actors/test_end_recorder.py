"""EndRecorder: ends that arrive during a commit share the next one; each counts alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from actors.end_recorder import EndRecorder
from domain.errors import DamagedPdf, failure_of
from domain.jobs import Lane, Task, TaskEnd, TaskStatus
from tests.unit.actors.lane_harness import POLICY, Ended, LaneHarness

COMPLETED, RUNNING = TaskStatus.COMPLETED, TaskStatus.RUNNING


async def claimed(harness: LaneHarness, *names: str) -> list[Task]:
    """Admits, claims and tracks tasks."""
    await harness.admit(*names)
    tasks = await harness.stores.queue.claim(
        Lane.BULK, 100, worker="worker", lease_seconds=POLICY.lease_seconds
    )
    harness.leases.track(tasks)
    return tasks


async def test_ends_during_a_commit_share_the_next_one() -> None:
    harness = LaneHarness()
    finish_all, groups, may_commit = harness.stores.queue.finish_all, list[int](), asyncio.Event()

    async def slow_finish_all(ends: Sequence[TaskEnd]) -> None:
        groups.append(len(ends))
        await may_commit.wait()
        await finish_all(ends)

    harness.stores.queue.finish_all = slow_finish_all  # pyright: ignore[reportAttributeAccessIssue]
    tasks = await claimed(harness, *(f"{number}.pdf" for number in range(6)))
    recorder = EndRecorder(harness.leases)
    recorder.add([Ended(task) for task in tasks[:2]])
    await asyncio.sleep(0)
    for task in tasks[2:]:
        recorder.add([Ended(task)])
    may_commit.set()
    await recorder.drain()
    assert groups == [2, 4]
    assert set(harness.status(tasks).values()) == {COMPLETED}
    assert not harness.leases.held


async def test_lost_lease_reverts_no_other_end() -> None:
    harness = LaneHarness()
    one, lost, failed, other = await claimed(harness, "a.pdf", "lost.pdf", "bad.pdf", "b.pdf")
    await harness.stores.queue.release(lost)
    recorder = EndRecorder(harness.leases)
    damaged = Ended(failed, None, failure_of(DamagedPdf(page=1)))
    recorder.add([Ended(one), Ended(lost), damaged, Ended(other)])
    await recorder.drain()
    assert harness.status([one, lost, failed, other]) == {
        "a.pdf": COMPLETED,
        "lost.pdf": TaskStatus.QUEUED,
        "bad.pdf": TaskStatus.FAILED,
        "b.pdf": COMPLETED,
    }
    assert not harness.leases.held
