"""One lane of work: claims micro-batches for its runner, replaces one that died or grew old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from actors.ledger import Ledger, Outcome
from domain.errors import DatabaseUnavailable, WorkerCrashed, failure_of
from domain.jobs import Lane, Task

log = logging.getLogger(__name__)


class RunnerLink(Protocol):
    """The way to a runner; an exception from `run` means that the runner, or its Dataset, died."""

    def run(self, tasks: Sequence[Task]) -> AsyncIterator[Outcome]: ...
    async def warm_up(self) -> None: ...
    async def pid(self) -> int: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LaneWork:
    """Documents of a micro-batch, micro-batches at once, runs before a runner is replaced."""

    batch: int
    runs: int
    recycle_after: int


class LaneDesk:
    """While one micro-batch runs the next one fills: all that waits goes into one Dataset."""

    def __init__(
        self,
        lane: Lane,
        work: LaneWork,
        ledger: Ledger,
        open_runner: Callable[[Lane], RunnerLink],
        worker: str,
    ) -> None:
        self.lane = lane
        self.work = work
        self.ledger = ledger
        self.open_runner = open_runner
        self.worker = worker
        self.woken = asyncio.Event()
        self.draining = False
        self.runner: RunnerLink | None = None
        self.runs = 0
        self.opening = asyncio.Lock()

    async def open(self) -> RunnerLink:
        """The lane's runner, warm; a new one when there is none."""
        async with self.opening:
            if self.runner is None:
                fresh = self.open_runner(self.lane)
                try:
                    await fresh.warm_up()
                except BaseException:
                    fresh.close()
                    raise
                self.runner, self.runs = fresh, 0
            return self.runner

    async def serve(self) -> None:
        """Claims and runs for ever; a missing database or a dead runner only makes it wait."""
        while not self.draining:
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
        runner = await self.open()
        tasks = await self.ledger.queue.claim(
            self.lane,
            self.work.batch,
            worker=self.worker,
            lease_seconds=self.ledger.rules.lease_seconds,
        )
        if tasks:
            self.ledger.take(tasks)
            await self._run(runner, tasks)
        return bool(tasks)

    async def _run(self, runner: RunnerLink, tasks: Sequence[Task]) -> None:
        waiting = {task.task_id: task for task in tasks}
        self.runs += 1
        try:
            async for outcome in runner.run(tasks):
                waiting.pop(outcome.task.task_id, None)
                await self.ledger.record(outcome)
        except Exception as error:
            log.warning("A runner of the %s lane died: %s", self.lane, error)
            self._discard(runner)
        for task in waiting.values():
            await self.ledger.record_failure(task, failure_of(WorkerCrashed()), isolate=True)
        if self.runs >= self.work.recycle_after:
            self._discard(runner)

    def _discard(self, runner: RunnerLink) -> None:
        if self.runner is runner:
            self.runner = None
        runner.close()

    async def pid(self) -> int | None:
        """Process id of the runner, None while there is none, or one that died unnoticed."""
        try:
            return await self.runner.pid() if self.runner else None
        except Exception:
            return None
