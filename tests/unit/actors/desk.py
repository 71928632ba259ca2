"""A lane over stores in memory, with a runner that does what a test tells it."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from actors.lane_worker import BatchPolicy, LaneWorker
from actors.lease_manager import JobPolicy, LeaseManager
from actors.runner_pool import RunnerPool
from actors.store_cleanup import StoreCleanup
from domain.deletions import VersionRange
from domain.errors import Failure, PaperworksError, failure_of
from domain.jobs import Lane, StepResult, Task, TaskStatus, Upload
from domain.papers import Metadata
from tests.fakes.in_memory_jobs import InMemoryStores

DONE = StepResult(Metadata("A title"), pages=2, chunks=5)
RULES = JobPolicy(
    lease_seconds=30,
    stall_seconds=60,
    poll_seconds=0.01,
    backoff_base_seconds=8,
    backoff_cap_seconds=60,
    keep_days=7,
    recycle_after=100,
    max_attempts=3,
    reconcile_seconds=600,
)
_numbers = itertools.count()


@dataclass(frozen=True)
class Ended:
    """An `TaskResult`."""

    task: Task
    finished: StepResult | None = DONE
    failure: Failure | None = None


class RunnerDied(Exception):
    """What a dead runner leaves."""


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        """It is that much later."""
        self.now += timedelta(seconds=seconds)


class FakeRunner:
    """A runner in memory: papers named in `errors` fail so, one in `deadly` kills it, and with one
    in `stuck` it waits for ever."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.warm = False
        self.closed = False
        self.batches: list[list[str]] = []

    async def run(self, lane: Lane, tasks: Sequence[Task]) -> AsyncIterator[Ended]:
        """An outcome for each task, in order."""
        assert lane == Lane.BULK
        self.batches.append([task.filename for task in tasks])
        for task in tasks:
            await self.house.between()
            if task.filename in self.house.deadly:
                raise RunnerDied
            if task.filename in self.house.silent:
                return
            if task.filename in self.house.stuck:
                await asyncio.Event().wait()
            error = self.house.errors.get(task.filename)
            done = self.house.finished.get(task.filename, DONE)
            yield Ended(task, done) if error is None else Ended(task, None, failure_of(error))

    async def warm_up(self) -> None:
        """Warm from now on."""
        if self.house.cold_starts:
            self.house.cold_starts -= 1
            raise RunnerDied
        self.warm = True

    async def pid(self) -> int:
        """A process id, unless it is dead."""
        if self.closed:
            raise RunnerDied
        return 4711

    def close(self) -> None:
        """It is gone."""
        self.closed = True


class FakeEraser:
    """Notes what is erased; `error` is what it raises instead."""

    def __init__(self) -> None:
        self.erased: list[VersionRange] = []
        self.error: Exception | None = None
        self.trashed: list[str] = []
        self.restored: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None:
        """They are erased."""
        if self.error is not None:
            raise self.error
        self.erased += ranges

    def trash_pdf(self, sha256: str) -> bool:
        """It is in the trash; whatever a test wants happens just before."""
        self.meanwhile()
        self.trashed.append(sha256)
        return True

    def restore_pdf(self, sha256: str) -> bool:
        """It is back."""
        self.restored.append(sha256)
        return True


class House:
    """Stores, ledger and one desk, and every runner that the desk has opened."""

    def __init__(self, batch: int = 16, recycle_after: int = 100, rules: JobPolicy = RULES) -> None:
        self.clock = Clock()
        self.stores = InMemoryStores(self.clock, max_attempts=3)
        self.eraser = FakeEraser()
        queue, deletions = self.stores.queue, self.stores.deletions
        self.ledger = LeaseManager(queue, deletions, rules)
        self.cleanup = StoreCleanup(deletions, self.eraser, poll_seconds=0.01)
        self.runners: list[FakeRunner] = []
        self.errors: dict[str, PaperworksError] = {}
        self.finished: dict[str, StepResult] = {}
        self.deadly: set[str] = set()
        self.silent: set[str] = set()
        self.stuck: set[str] = set()
        self.cold_starts = 0
        self.meanwhile: Callable[[], Any] | None = None
        self.slot = RunnerPool(self._open, recycle_after)
        self.desk = LaneWorker(
            Lane.BULK, BatchPolicy(batch=batch, runs=1), self.ledger, self.slot, "me"
        )

    async def between(self) -> None:
        """What happens before each outcome."""
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()

    async def admit(self, *names: str) -> list[Task]:
        """Tasks of one job, one for each name, queued."""
        uploads = [Upload(name, _digest(), 100) for name in names]
        admitted = await self.stores.jobs.admit("papers", uploads, lane=Lane.BULK)
        return await self.stores.jobs.tasks(admitted[0].job_id)

    async def work(self, batches: int = 1) -> None:
        """The desk claims and runs so many micro-batches, all that is due if there are fewer."""
        for _ in range(batches):
            await self.desk._run_one_batch()

    async def serve_until(self, condition: Callable[[], bool]) -> None:
        """The desk serves until the condition holds."""
        serving = asyncio.create_task(self.desk.serve())
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the store has no event to wait for
                await asyncio.sleep(0.005)
        self.desk.draining = True
        await serving

    def now(self, task: Task) -> Task:
        """The task as the store has it."""
        return self.stores.state.tasks[task.task_id]

    def status(self, tasks: Sequence[Task]) -> dict[str, TaskStatus]:
        """Status by filename."""
        return {task.filename: self.now(task).status for task in tasks}

    def _open(self) -> FakeRunner:
        self.runners.append(FakeRunner(self))
        return self.runners[-1]

    def doomed(self) -> list[VersionRange]:
        """What is in the deletion queue."""
        return [one.versions for one, _ in self.stores.state.deletions.values()]


def _digest() -> str:
    return hashlib.sha256(str(next(_numbers)).encode()).hexdigest()
