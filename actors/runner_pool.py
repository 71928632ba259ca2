"""The runner of one lane or of several lanes: started on demand, replaced when it dies or ages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from actors.lane_share import BatchSize
from actors.lease_manager import TaskOutcome
from domain.jobs import Lane, Task

WARM_UP_SECONDS = 600.0  # includes the time that an embedder needs to convert its model


class RunnerHandle(Protocol):
    """Interface to a runner. An exception from `run` means that the runner or its Dataset died."""

    def run(
        self, lane: Lane, tasks: Sequence[Task], busy: Collection[Lane] = ()
    ) -> AsyncIterator[Sequence[TaskOutcome]]: ...
    async def batch_size(self, lane: Lane) -> BatchSize: ...
    async def warm_up(self) -> None: ...
    async def pid(self) -> int: ...
    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Entry:
    """A runner, the number of batches it was given, and the number that are still running."""

    handle: RunnerHandle
    batches: int = 0
    active: int = 0


class RunnerPool:
    """Holds at most one current runner; retired runners are closed after their last batch.

    An idle runner process uses 160 MB, so the background lanes share one.
    """

    def __init__(self, open_runner: Callable[[], RunnerHandle], recycle_after: int) -> None:
        self.open_runner = open_runner
        self.recycle_after = recycle_after
        self.current: _Entry | None = None
        self.opening = asyncio.Lock()

    async def open(self) -> _Entry:
        """Returns the current runner; starts and warms up a new one if there is none."""
        async with self.opening:
            if self.current is None:
                fresh = self.open_runner()
                try:
                    await asyncio.wait_for(fresh.warm_up(), WARM_UP_SECONDS)
                except BaseException:
                    fresh.close()
                    raise
                self.current = _Entry(fresh)
            return self.current

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[RunnerHandle]:
        """Yields the runner for one batch.

        Retires the runner if the block raises or the runner has reached `recycle_after` batches. A
        retired runner is closed after its last batch, because other lanes may still use it.
        """
        entry = await self.open()
        entry.active += 1
        entry.batches += 1
        try:
            yield entry.handle
        except Exception:
            self._retire(entry)
            raise
        finally:
            entry.active -= 1
            if entry.batches >= self.recycle_after:
                self._retire(entry)
            if entry is not self.current and not entry.active:
                entry.handle.close()

    def _retire(self, entry: _Entry) -> None:
        if self.current is entry:
            self.current = None

    @property
    def running_batches(self) -> int:
        """The number of batches that the current runner processes."""
        return self.current.active if self.current else 0

    async def pid(self) -> int | None:
        """Returns the process id of the runner; None if there is none or it does not answer."""
        try:
            return await self.current.handle.pid() if self.current else None
        except Exception:
            return None
