"""Worker loop of one lane: claims micro-batches and runs them on the lane's runner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import partial

from actors.lease_manager import LeaseManager
from actors.runner_pool import RunnerPool
from actors.watchdog import with_stall_timeout
from domain.errors import DatabaseUnavailable, WorkerCrashed, WorkerStalled, failure_of
from domain.jobs import Lane, Task

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """`batch`: maximum number of documents in a micro-batch; `runs`: concurrent micro-batches."""

    batch: int
    runs: int


class LaneWorker:
    """Runs one lane. Each micro-batch takes all due tasks of the lane, up to `batch_policy.batch`.

    Tasks that arrive while a micro-batch runs go into the next one.
    """

    def __init__(
        self,
        lane: Lane,
        batch_policy: BatchPolicy,
        leases: LeaseManager,
        pool: RunnerPool,
        worker_id: str,
    ) -> None:
        self.lane = lane
        self.batch_policy = batch_policy
        self.leases = leases
        self.pool = pool
        self.worker_id = worker_id
        self.wake_event = asyncio.Event()
        self.may_claim = asyncio.Event()  # cleared while the stores belong to different libraries
        self.may_claim.set()
        self.draining = False

    async def run(self) -> None:
        """Claims and runs micro-batches until draining. Logs errors and continues."""
        while not self.draining:
            await self.may_claim.wait()
            try:
                if not await self.run_batch():
                    await self._sleep()
            except DatabaseUnavailable:
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("The worker loop of the %s lane failed; it is restarted", self.lane)
                await asyncio.sleep(1)

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self.wake_event.wait(), self.leases.policy.poll_seconds)
        except TimeoutError:
            return
        finally:
            self.wake_event.clear()

    async def run_batch(self) -> bool:
        """Claims a micro-batch and records how its tasks end; returns False if no task is due."""
        await self.pool.open()
        tasks = await self._claim()
        if not tasks:
            return False
        self.leases.track(tasks)
        pending, failure = {task.task_id: task for task in tasks}, failure_of(WorkerCrashed())
        try:
            async with self.pool.acquire() as runner:
                outcomes = with_stall_timeout(
                    runner.run(self.lane, tasks),
                    partial(self.leases.last_progress_at, tasks),
                    self.leases.policy.stall_seconds,
                )
                async for outcome in outcomes:
                    pending.pop(outcome.task.task_id, None)
                    await self._record(outcome.task, self.leases.record(outcome))
        except WorkerStalled as error:
            log.warning(
                "A runner of the %s lane reported no progress for %g s; it is replaced and its "
                "tasks are queued again",
                self.lane,
                self.leases.policy.stall_seconds,
            )
            failure = failure_of(error)
        except Exception as error:
            log.warning(
                "A runner of the %s lane died; its tasks are queued again: %s", self.lane, error
            )
        for task in pending.values():
            recording = self.leases.record_failure(task, failure, isolate=True)
            await self._record(task, recording)
        return True

    async def _claim(self) -> Sequence[Task]:
        return await self.leases.queue.claim(
            self.lane,
            self.batch_policy.batch,
            worker=self.worker_id,
            lease_seconds=self.leases.policy.lease_seconds,
        )

    async def _record(self, task: Task, recording: Awaitable[None]) -> None:
        """Records the end of a task. An error here is independent of the runner and of other
        tasks: the task is untracked, its lease expires and the sweep queues it again."""
        try:
            await recording
        except Exception:
            log.exception(
                "The end of task %s was not recorded; it runs again after its lease expires",
                task.task_id,
                extra={"action": "record_failed", "task_id": str(task.task_id)},
            )
            self.leases.untrack(task)
