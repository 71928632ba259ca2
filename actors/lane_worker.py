"""One lane of work: claims micro-batches and hands them to its runner."""

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
    """Documents of a micro-batch, micro-batches at once."""

    batch: int
    runs: int


class LaneWorker:
    """While one micro-batch runs the next one fills: all that waits goes into one Dataset."""

    def __init__(
        self,
        lane: Lane,
        work: BatchPolicy,
        ledger: LeaseManager,
        slot: RunnerPool,
        worker: str,
    ) -> None:
        self.lane = lane
        self.work = work
        self.ledger = ledger
        self.slot = slot
        self.worker = worker
        self.woken = asyncio.Event()
        self.may_claim = asyncio.Event()  # cleared while the stores do not belong together
        self.may_claim.set()
        self.draining = False

    async def serve(self) -> None:
        """Claims and runs for ever; a missing database or a dead runner only makes it wait."""
        while not self.draining:
            await self.may_claim.wait()
            try:
                if not await self._run_one_batch():
                    await self._sleep()
            except DatabaseUnavailable:
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("The %s lane stumbled; it goes on", self.lane)
                await asyncio.sleep(1)

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self.woken.wait(), self.ledger.rules.poll_seconds)
        except TimeoutError:
            return
        finally:
            self.woken.clear()

    async def _run_one_batch(self) -> bool:
        await self.slot.open()
        tasks = await self.ledger.queue.claim(
            self.lane,
            self.work.batch,
            worker=self.worker,
            lease_seconds=self.ledger.rules.lease_seconds,
        )
        if tasks:
            self.ledger.take(tasks)
            await self._run(tasks)
        return bool(tasks)

    async def _run(self, tasks: Sequence[Task]) -> None:
        waiting, failure = {task.task_id: task for task in tasks}, failure_of(WorkerCrashed())
        try:
            async with self.slot.taken() as runner:
                outcomes = with_stall_timeout(
                    runner.run(self.lane, tasks),
                    partial(self.ledger.heard_at, tasks),
                    self.ledger.rules.stall_seconds,
                )
                async for outcome in outcomes:
                    waiting.pop(outcome.task.task_id, None)
                    await self._record(outcome.task, self.ledger.record(outcome))
        except WorkerStalled as error:
            log.warning("Nothing is heard of a runner of the %s lane any more", self.lane)
            failure = failure_of(error)
        except Exception as error:
            log.warning("A runner of the %s lane died: %s", self.lane, error)
        for task in waiting.values():
            recording = self.ledger.record_failure(task, failure, isolate=True)
            await self._record(task, recording)

    async def _record(self, task: Task, recording: Awaitable[None]) -> None:
        """Writes an end down. An error there says nothing about the runner or about other tasks:
        the task is dropped, its lease expires and it is queued again."""
        try:
            await recording
        except Exception:
            log.exception(
                "The end of task %s was not recorded; it runs again when its lease has expired",
                task.task_id,
                extra={"action": "record_failed", "task_id": str(task.task_id)},
            )
            self.ledger.drop(task)
