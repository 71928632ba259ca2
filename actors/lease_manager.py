"""Leases of the tasks that this JobManager holds: heartbeats, progress reports, task ends."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Protocol, TypeVar

from actors.job_policy import JobPolicy
from domain.errors import DatabaseUnavailable, Failure, LeaseLost
from domain.jobs import (
    LANE_OF_STEP,
    Lane,
    Progress,
    StepResult,
    Task,
    TaskEnd,
    backoff_seconds,
)
from stores.protocols import DeletionQueue, TaskQueue

log = logging.getLogger(__name__)
DEPENDENCY_WAIT_SECONDS = 5.0
Result = TypeVar("Result")
OUTAGE_PAUSE_SECONDS = 0.5  # between two attempts to write to a database that is unavailable


class TaskOutcome(Protocol):
    """How a task ended: `finished` is set on success, `failure` otherwise."""

    @property
    def task(self) -> Task: ...
    @property
    def finished(self) -> StepResult | None: ...
    @property
    def failure(self) -> Failure | None: ...


class LeaseManager:
    """Tracks the leases held by this process.

    PostgreSQL is authoritative: a lease that was lost is removed here at the next heartbeat or
    write.
    """

    def __init__(
        self,
        queue: TaskQueue,
        deletions: DeletionQueue,
        policy: JobPolicy,
        wake: Callable[[Lane], None] = lambda lane: None,
        wake_cleanup: Callable[[], None] = lambda: None,
    ) -> None:
        self.queue = queue
        self.deletions = deletions
        self.policy = policy
        self.wake = wake
        self.wake_cleanup = wake_cleanup
        self.held: dict[uuid.UUID, Task] = {}
        self.last_seen: dict[uuid.UUID, float] = {}  # last progress report, monotonic clock
        self.pending_progress: dict[uuid.UUID, tuple[Task, Progress]] = {}
        self.empty = asyncio.Event()
        self.empty.set()

    def track(self, tasks: Sequence[Task]) -> None:
        """Starts to extend the leases of these claimed tasks."""
        self.held.update({task.task_id: task for task in tasks})
        self.empty.clear()

    def untrack(self, task: Task) -> None:
        """Stops extending the lease of the task. Ignores a task whose lease token is not held."""
        if self._holds(task):
            del self.held[task.task_id]
            self.last_seen.pop(task.task_id, None)
        if not self.held:
            self.empty.set()

    def _holds(self, task: Task) -> bool:
        """True for the claim that is held. Runners return copies of the claimed task."""
        held = self.held.get(task.task_id)
        return held is not None and held.lease_token == task.lease_token

    def untrack_job(self, job_id: str) -> None:
        """Untracks all tasks of the job; their work stops at its next progress report."""
        for task in list(self.held.values()):
            if task.job_id == job_id:
                self.untrack(task)

    def record_progress(self, task: Task, progress: Progress) -> bool:
        """Buffers progress for the next flush; newer numbers replace older ones.

        Returns False if the task, with this lease token, is not held.
        """
        if not self._holds(task):
            return False
        self.last_seen[task.task_id] = time.monotonic()
        newer = {name: value for name, value in asdict(progress).items() if value is not None}
        if newer:  # an empty report only proves that the work is alive
            _, known = self.pending_progress.get(task.task_id, (task, Progress()))
            self.pending_progress[task.task_id] = (task, Progress(**{**asdict(known), **newer}))
        return True

    def last_progress_at(self, tasks: Sequence[Task]) -> float:
        """Returns the time of the last progress report of any of the tasks, on the monotonic
        clock; 0 if there was none."""
        return max((self.last_seen.get(task.task_id, 0.0) for task in tasks), default=0.0)

    async def heartbeat(self) -> None:
        """Extends all held leases; untracks tasks whose lease was lost."""
        tasks = list(self.held.values())
        kept = await self.queue.heartbeat(tasks, self.policy.lease_seconds)
        for task in tasks:
            if task.task_id not in kept:
                self.untrack(task)

    async def flush(self) -> None:
        """Writes the progress reports buffered since the last flush."""
        pending, self.pending_progress = self.pending_progress, {}
        numbers = [report for report in pending.values() if not report[1].searchable]
        await self.queue.report_numbers(numbers)
        for task, progress in pending.values():
            if progress.searchable:
                with suppress(LeaseLost):
                    await self.queue.report(task, progress)

    async def record(self, outcome: TaskOutcome) -> None:
        """Records the end of a step; retries until the database is available."""
        task, finished = outcome.task, outcome.finished
        if finished is None:
            await self.record_failure(task, outcome.failure or _unknown())
        elif await self._commit(task, lambda: self.queue.finish(task, finished)):
            self._wake_after((task, finished))

    async def record_together(self, ends: Sequence[TaskEnd]) -> None:
        """Records the ends of several steps in one transaction, or none.

        Retries until the database is available. Raises LeaseLost if one of them has another owner.
        """
        await _until_available(lambda: self.queue.finish_all(ends))
        for end in ends:
            self._forget(end[0])
            self._wake_after(end)

    def _wake_after(self, end: TaskEnd) -> None:
        """Wakes what has work after the end of the step."""
        task, finished = end
        if finished.next_step is not None:
            self.wake(LANE_OF_STEP[finished.next_step])
        if task.version > 1:  # the commit put the older versions into the deletion queue
            self.wake_cleanup()

    async def record_failure(self, task: Task, failure: Failure, isolate: bool = False) -> None:
        """Queues the task again if the failure is retryable and attempts are left, else fails it.

        An unavailable store does not use up an attempt. `isolate`: the retry runs in a micro-batch
        of its own.
        """
        policy = self.policy
        wait = backoff_seconds(
            task.attempt, policy.backoff_base_seconds, policy.backoff_cap_seconds
        )
        if failure.category == "dependency":
            wait = min(wait, DEPENDENCY_WAIT_SECONDS)
            await self._commit(task, lambda: self.queue.release(task, wait))
        elif failure.retryable and task.attempt < task.max_attempts:
            await self._commit(
                task, lambda: self.queue.retry(task, failure, delay_seconds=wait, isolate=isolate)
            )
        else:
            await self._commit(task, lambda: self.queue.fail(task, failure))

    async def release_all(self) -> int:
        """Releases all held tasks without using up an attempt; returns the number of the released.

        Retries until the database is available.
        """
        tasks = list(self.held.values())
        released = await _until_available(lambda: self.queue.release_all(tasks))
        for task in tasks:
            self._forget(task)
            if task.task_id not in released:
                await self._discard_unwanted(task)
        return len(released)

    def _forget(self, task: Task) -> None:
        """Untracks the task and drops its progress that was not written."""
        self.pending_progress.pop(task.task_id, None)
        self.untrack(task)

    async def _commit(self, task: Task, write: Callable[[], Awaitable[None]]) -> bool:
        """Calls `write` until the database is available, then untracks the task.

        Returns True if the transition was written, False if the task has another owner.
        """
        try:
            await _until_available(write)
            return True
        except LeaseLost as error:
            log.info("%s", error, extra={"action": "lease_lost"})
            await self._discard_unwanted(task)
            return False
        finally:
            self._forget(task)

    async def _discard_unwanted(self, task: Task) -> None:
        """Queues the deletion of what the task wrote, if its paper was deleted or cancelled.

        Does nothing if another worker owns the task: it writes the same version.
        """
        try:
            if await self.deletions.discard_if_unused(task.document_id, task.version):
                self.wake_cleanup()
        except DatabaseUnavailable as error:
            log.warning(
                "Orphan chunks of %s were not queued for deletion; the next reconciliation finds "
                "them: %s",
                task.document_id,
                error,
            )


async def _until_available(write: Callable[[], Awaitable[Result]]) -> Result:
    """Calls `write` until the database is available; returns its result."""
    while True:
        try:
            return await write()
        except DatabaseUnavailable:
            await asyncio.sleep(OUTAGE_PAUSE_SECONDS)


def _unknown() -> Failure:
    return Failure("internal_error", "internal", "The task ended without a result.", True)
