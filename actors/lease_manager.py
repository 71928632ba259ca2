"""The tasks this JobManager holds: keeps their leases, writes their progress and their ends."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Protocol

from domain.errors import DatabaseUnavailable, Failure, LeaseLost
from domain.jobs import LANE_OF_STEP, Lane, Progress, StepResult, Task, backoff_seconds
from stores.protocols import DeletionQueue, TaskQueue

log = logging.getLogger(__name__)
DEPENDENCY_WAIT_SECONDS = 5.0


class TaskOutcome(Protocol):
    """How a task ended: `finished`, or else `failure`."""

    @property
    def task(self) -> Task: ...
    @property
    def finished(self) -> StepResult | None: ...
    @property
    def failure(self) -> Failure | None: ...


@dataclass(frozen=True, slots=True)
class JobPolicy:
    """The numbers of leases and retries; times in seconds."""

    lease_seconds: float
    stall_seconds: float
    poll_seconds: float
    backoff_base_seconds: float
    backoff_cap_seconds: float
    keep_days: float
    recycle_after: int  # batches of a runner
    max_attempts: int  # of the tasks that the JobManager queues itself
    reconcile_seconds: float  # between two comparisons of the stores; 0: none


class LeaseManager:
    """What is held is only a copy: a lost lease drops out at the next heartbeat or write."""

    def __init__(
        self,
        queue: TaskQueue,
        deletions: DeletionQueue,
        rules: JobPolicy,
        wake: Callable[[Lane], None] = lambda lane: None,
        wake_cleanup: Callable[[], None] = lambda: None,
    ) -> None:
        self.queue = queue
        self.deletions = deletions
        self.rules = rules
        self.wake = wake
        self.wake_cleanup = wake_cleanup
        self.held: dict[uuid.UUID, Task] = {}
        self.heard: dict[uuid.UUID, float] = {}  # when its last word came, on the monotonic clock
        self.news: dict[uuid.UUID, tuple[Task, Progress]] = {}
        self.empty = asyncio.Event()
        self.empty.set()

    def take(self, tasks: Sequence[Task]) -> None:
        """These tasks are ours until their lease ends."""
        self.held.update({task.task_id: task for task in tasks})
        self.empty.clear()

    def drop(self, task: Task) -> None:
        """The task is no longer ours."""
        if self.held.get(task.task_id) is task:
            del self.held[task.task_id]
            self.heard.pop(task.task_id, None)
        if not self.held:
            self.empty.set()

    def drop_job(self, job_id: str) -> None:
        """Its tasks are no longer ours: their work stops at its next sign of life."""
        for task in list(self.held.values()):
            if task.job_id == job_id:
                self.drop(task)

    def note(self, task: Task, progress: Progress) -> bool:
        """Progress to be written with the next flush; newer numbers replace older ones. False for a
        task that is not held."""
        held = self.held.get(task.task_id)
        if held is None or held.lease_token != task.lease_token:
            return False
        self.heard[task.task_id] = time.monotonic()
        newer = {name: value for name, value in asdict(progress).items() if value is not None}
        if newer:  # else it is only a sign of life
            _, known = self.news.get(task.task_id, (task, Progress()))
            self.news[task.task_id] = (task, Progress(**{**asdict(known), **newer}))
        return True

    def heard_at(self, tasks: Sequence[Task]) -> float:
        """When the last word of any of them came, on the monotonic clock; 0 for never."""
        return max((self.heard.get(task.task_id, 0.0) for task in tasks), default=0.0)

    async def beat(self) -> None:
        """Extends every lease; tasks that have moved on are dropped."""
        tasks = list(self.held.values())
        kept = await self.queue.heartbeat(tasks, self.rules.lease_seconds)
        for task in tasks:
            if task.task_id not in kept:
                self.drop(task)

    async def flush(self) -> None:
        """Writes the progress noted since the last time."""
        news, self.news = self.news, {}
        for task, progress in news.values():
            with suppress(LeaseLost):
                await self.queue.report(task, progress)

    async def record(self, outcome: TaskOutcome) -> None:
        """Writes the end of a step down, however long the database is away."""
        task, finished = outcome.task, outcome.finished
        if finished is None:
            await self.record_failure(task, outcome.failure or _unknown())
        elif await self._settle(task, lambda: self.queue.finish(task, finished)):
            if finished.next_step is not None:
                self.wake(LANE_OF_STEP[finished.next_step])
            if task.version > 1:  # the commit has put the older versions into the deletion queue
                self.wake_cleanup()

    async def record_failure(self, task: Task, failure: Failure, isolate: bool = False) -> None:
        """Queued again when that may help, else failed; waiting for a store costs no attempt."""
        rules = self.rules
        wait = backoff_seconds(task.attempt, rules.backoff_base_seconds, rules.backoff_cap_seconds)
        if failure.category == "dependency":
            wait = min(wait, DEPENDENCY_WAIT_SECONDS)
            await self._settle(task, lambda: self.queue.release(task, wait))
        elif failure.retryable and task.attempt < task.max_attempts:
            await self._settle(
                task, lambda: self.queue.retry(task, failure, delay_seconds=wait, isolate=isolate)
            )
        else:
            await self._settle(task, lambda: self.queue.fail(task, failure))

    async def release_all(self) -> int:
        """Number of tasks handed back to the queue, uncharged."""
        tasks = list(self.held.values())
        for task in tasks:
            await self._settle(task, lambda task=task: self.queue.release(task))
        return len(tasks)

    async def _settle(self, task: Task, move: Callable[[], Awaitable[None]]) -> bool:
        """True when the move was written, False when the task has another owner."""
        try:
            while True:
                try:
                    await move()
                    return True
                except DatabaseUnavailable:
                    await asyncio.sleep(0.5)
        except LeaseLost as error:
            log.info("%s", error, extra={"action": "lease_lost"})
            await self._clear_away(task)
            return False
        finally:
            self.news.pop(task.task_id, None)
            self.drop(task)

    async def _clear_away(self, task: Task) -> None:
        """What was just written for a paper that was deleted or cancelled meanwhile is erased.

        Whoever has the task now writes the same version: then nothing is touched.
        """
        try:
            if await self.deletions.discard_unwanted(task.document_id, task.version):
                self.wake_cleanup()
        except DatabaseUnavailable as error:  # the reconciliation finds it
            log.warning("%s left chunks behind: %s", task.document_id, error)


def _unknown() -> Failure:
    return Failure("internal_error", "internal", "The task ended without a result.", True)
