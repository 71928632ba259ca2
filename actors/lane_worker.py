"""Worker loop of one lane: claims micro-batches and runs them on the lane's runner."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from actors.end_recorder import EndRecorder
from actors.lane_load import LaneLoad
from actors.lease_manager import LeaseManager, TaskOutcome
from actors.runner_pool import RunnerPool
from actors.wake_signal import WakeSignal
from actors.watchdog import with_stall_timeout
from domain.errors import DatabaseUnavailable, Failure, WorkerCrashed, WorkerStalled, failure_of
from domain.jobs import Lane, Task

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """`runs`: concurrent micro-batches.

    `fills_up`: another micro-batch starts only when the others leave CPUs of the lane idle.
    """

    runs: int
    fills_up: bool = False


class LaneWorker:
    """Runs one lane. Each micro-batch takes all due tasks of the lane, up to a maximum.

    Tasks that arrive while a micro-batch runs go into the next one. With `fills_up`, it begins when
    the last papers of the one before leave CPUs idle.
    """

    def __init__(
        self,
        lane: Lane,
        batch_policy: BatchPolicy,
        leases: LeaseManager,
        pool: RunnerPool,
        worker_id: str,
        load: LaneLoad,
        *,
        poll_seconds: float,
    ) -> None:
        self.lane = lane
        self.batch_policy = batch_policy
        self.leases = leases
        self.pool = pool
        self.worker_id = worker_id
        self.load = load
        self.claiming = asyncio.Lock()
        self.leasing = asyncio.Lock()  # held while the database leases tasks
        self.poll_seconds = poll_seconds
        self.signal = WakeSignal()
        self.may_claim = asyncio.Event()  # cleared while the stores belong to different libraries
        self.may_claim.set()
        self.draining = False

    async def run(self) -> None:
        """Claims and runs micro-batches until draining. Logs errors and continues."""
        while not self.draining:
            try:
                if not await self.run_batch():
                    await self.signal.sleep(self.poll_seconds)
            except DatabaseUnavailable:
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("The worker loop of the %s lane failed; it is restarted", self.lane)
                await asyncio.sleep(1)

    async def drain(self) -> None:
        """Claims nothing more; returns when the tasks of a running claim are tracked."""
        self.draining = True
        async with self.leasing:
            return

    async def run_batch(self) -> bool:
        """Claims a micro-batch and records how its tasks end; returns False if no task is due."""
        runner = await self.pool.open()
        async with self.claiming:
            size = await runner.handle.batch_size(self.lane)
            if self.batch_policy.fills_up:
                await self.load.until_below(self.lane, size.next_below)
            tasks = await self._claim(size.papers)
            self.load.add(self.lane, len(tasks))
        if not tasks:
            return False
        unfinished = {task.task_id: task for task in tasks}
        recorder = EndRecorder(self.leases)
        try:
            failure = await self._run_batch(tasks, unfinished, recorder)
            await recorder.drain()
            for task in unfinished.values():
                recording = self.leases.record_failure(task, failure, isolate=True)
                await recorder.guard(task, recording)
        finally:
            self.load.add(self.lane, -len(unfinished))
        return True

    async def _run_batch(
        self, tasks: Sequence[Task], unfinished: dict[uuid.UUID, Task], recorder: EndRecorder
    ) -> Failure:
        """Runs the tasks and removes those that end from `unfinished`.

        Returns the reason why the others did not end.
        """
        stall_seconds = self.leases.policy.stall_seconds
        try:
            async with self.pool.acquire() as runner:
                groups = with_stall_timeout(
                    runner.run(self.lane, tasks, self.load.busy()),
                    partial(self.leases.last_progress_at, tasks),
                    stall_seconds,
                )
                async for outcomes in groups:
                    self._end(outcomes, unfinished)
                    recorder.add(outcomes)
                if len(unfinished) == len(tasks):
                    raise WorkerCrashed  # of no use: the next micro-batch gets another runner
            self._log_lost(unfinished)
        except WorkerStalled as error:
            log.warning(
                "A runner of the %s lane reported no progress for %g s; it is replaced and its "
                "tasks are queued again",
                self.lane,
                stall_seconds,
            )
            return failure_of(error)
        except Exception as error:
            log.warning(
                "A runner of the %s lane died; its tasks are queued again: %s", self.lane, error
            )
        return failure_of(WorkerCrashed())

    def _end(self, outcomes: Sequence[TaskOutcome], unfinished: dict[uuid.UUID, Task]) -> None:
        ended = [one for one in outcomes if unfinished.pop(one.task.task_id, None)]
        self.load.add(self.lane, -len(ended))

    def _log_lost(self, unfinished: Mapping[uuid.UUID, Task]) -> None:
        if unfinished:
            log.warning(
                "A worker process of the %s lane died; the papers of its task are queued again, "
                "each in a micro-batch of its own: %s",
                self.lane,
                ", ".join(task.document_id for task in unfinished.values()),
            )

    async def _claim(self, limit: int) -> Sequence[Task]:
        """Returns the tasks of the next micro-batch, whose leases are extended from now on."""
        await self.may_claim.wait()
        async with self.leasing:
            if self.draining:
                return []
            tasks = await self.leases.queue.claim(
                self.lane,
                limit,
                worker=self.worker_id,
                lease_seconds=self.leases.policy.lease_seconds,
            )
            self.leases.track(tasks)
        return tasks
