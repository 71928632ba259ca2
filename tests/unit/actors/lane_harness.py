"""Test harness: a LaneWorker with in-memory stores and a scripted runner."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import pickle
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from actors.job_policy import JobPolicy
from actors.lane_load import LaneLoad
from actors.lane_share import BatchSize
from actors.lane_worker import BatchPolicy, LaneWorker
from actors.lease_manager import LeaseManager
from actors.runner_pool import RunnerPool
from actors.store_cleanup import StoreCleanup
from domain.deletions import VersionRange
from domain.errors import Failure, PaperworksError, failure_of
from domain.jobs import Lane, StepResult, Task, TaskStatus, Upload
from domain.papers import Metadata
from tests.fakes.in_memory_jobs import InMemoryStores

DONE = StepResult(Metadata("A title"), pages=2, chunks=5)
POLICY = JobPolicy(
    lease_seconds=30,
    stall_seconds=60,
    poll_seconds=0.01,
    backoff_base_seconds=8,
    backoff_cap_seconds=60,
    keep_days=7,
    runner_recycle_after=100,
    max_attempts=3,
    reconcile_minutes=10,
)
_numbers = itertools.count()


@dataclass(frozen=True)
class Ended:
    """A `TaskResult`."""

    task: Task
    finished: StepResult | None = DONE
    failure: Failure | None = None


class RunnerDied(Exception):
    """Raised by a dead runner."""


class Clock:
    """A clock that only moves when a test advances it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Advances the clock."""
        self.now += timedelta(seconds=seconds)


class FakeRunner:
    """An in-memory runner scripted by file name: `errors` fail, `deadly` ones kill the runner,
    `silent` ones end the batch without a result, `stuck` ones never return."""

    def __init__(self, harness: LaneHarness) -> None:
        self.harness = harness
        self.warm = False
        self.closed = False
        self.batches: list[list[str]] = []

    async def run(
        self, lane: Lane, tasks: Sequence[Task], busy: Collection[Lane] = ()
    ) -> AsyncIterator[Sequence[Ended]]:
        """Yields the outcome of each task, in order; the tasks are copies, as Ray returns them."""
        assert lane == Lane.BULK
        self.batches.append([task.filename for task in tasks])
        for task in pickle.loads(pickle.dumps(tasks)):
            await self.harness.before_outcome()
            if task.filename in self.harness.deadly:
                raise RunnerDied
            if task.filename in self.harness.silent:
                return
            if task.filename in self.harness.stuck:
                await asyncio.Event().wait()
            error = self.harness.errors.get(task.filename)
            done = self.harness.finished.get(task.filename, DONE)
            yield [Ended(task, done) if error is None else Ended(task, None, failure_of(error))]

    async def batch_size(self, lane: Lane) -> BatchSize:
        """Returns the numbers that the harness was given."""
        return BatchSize(self.harness.batch, self.harness.next_below)

    async def warm_up(self) -> None:
        """Fails for the first `cold_starts` calls."""
        if self.harness.cold_starts:
            self.harness.cold_starts -= 1
            raise RunnerDied
        self.warm = True

    async def pid(self) -> int:
        """Returns a process id. Raises RunnerDied if the runner was closed."""
        if self.closed:
            raise RunnerDied
        return 4711

    def close(self) -> None:
        """Marks the runner as closed."""
        self.closed = True


class FakeEraser:
    """Records deletions; raises `error` if it is set."""

    def __init__(self) -> None:
        self.erased: list[VersionRange] = []
        self.error: Exception | None = None
        self.trashed: list[str] = []
        self.restored: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None:
        """Records the ranges."""
        if self.error is not None:
            raise self.error
        self.erased += ranges

    def trash_pdf(self, sha256: str) -> bool:
        """Calls `meanwhile`, then records the PDF as trashed."""
        self.meanwhile()
        self.trashed.append(sha256)
        return True

    def restore_pdf(self, sha256: str) -> bool:
        """Records the PDF as restored."""
        self.restored.append(sha256)
        return True


class LaneHarness:
    """Stores, a LeaseManager, one LaneWorker, and all runners that it has started."""

    def __init__(
        self, batch: int = 16, recycle_after: int = 100, policy: JobPolicy = POLICY
    ) -> None:
        self.clock = Clock()
        self.stores = InMemoryStores(self.clock, max_attempts=3)
        self.eraser = FakeEraser()
        queue, deletions = self.stores.queue, self.stores.deletions
        self.leases = LeaseManager(queue, deletions, policy)
        self.cleanup = StoreCleanup(deletions, self.eraser, poll_seconds=0.01)
        self.runners: list[FakeRunner] = []
        self.errors: dict[str, PaperworksError] = {}
        self.finished: dict[str, StepResult] = {}
        self.deadly: set[str] = set()
        self.silent: set[str] = set()
        self.stuck: set[str] = set()
        self.cold_starts = 0
        self.meanwhile: Callable[[], Any] | None = None
        self.batch, self.next_below = batch, 1
        self.load = LaneLoad()
        self.pool = RunnerPool(self._open, recycle_after)
        self.worker = LaneWorker(
            Lane.BULK,
            BatchPolicy(runs=1, fills_up=True),
            self.leases,
            self.pool,
            "worker",
            self.load,
            poll_seconds=policy.poll_seconds,
        )

    async def before_outcome(self) -> None:
        """Runs the scheduled `meanwhile` action, once, before an outcome."""
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()

    async def admit(self, *names: str) -> list[Task]:
        """Queues one job with a task for each name; returns the tasks."""
        uploads = [Upload(name, _digest(), 100) for name in names]
        admitted = await self.stores.jobs.admit("papers", uploads, lane=Lane.BULK)
        return await self.stores.jobs.tasks(admitted[0].job_id)

    async def work(self, batches: int = 1) -> None:
        """Lets the worker claim and run up to `batches` micro-batches."""
        for _ in range(batches):
            await self.worker.run_batch()

    async def run_until(self, condition: Callable[[], bool]) -> None:
        """Runs the worker loop until the condition holds."""
        running = asyncio.create_task(self.worker.run())
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the store has no event to wait for
                await asyncio.sleep(0.005)
        self.worker.draining = True
        await running

    def now(self, task: Task) -> Task:
        """Returns the stored state of the task."""
        return self.stores.state.tasks[task.task_id]

    def status(self, tasks: Sequence[Task]) -> dict[str, TaskStatus]:
        """Returns the stored status of the tasks by file name."""
        return {task.filename: self.now(task).status for task in tasks}

    def _open(self) -> FakeRunner:
        self.runners.append(FakeRunner(self))
        return self.runners[-1]

    def queued_deletions(self) -> list[VersionRange]:
        """Returns the version ranges in the deletion queue."""
        return [deletion.versions for deletion, _ in self.stores.state.deletions.values()]


def _digest() -> str:
    return hashlib.sha256(str(next(_numbers)).encode()).hexdigest()
