"""The runner that one lane has, or several share: opened when wanted, replaced when dead or old."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from actors.lease_manager import TaskOutcome
from domain.jobs import Lane, Task

WARM_UP_SECONDS = 600.0  # with an embedder that is still converting its model


class RunnerHandle(Protocol):
    """The way to a runner; an exception from `run` means that the runner, or its Dataset, died."""

    def run(self, lane: Lane, tasks: Sequence[Task]) -> AsyncIterator[TaskOutcome]: ...
    async def warm_up(self) -> None: ...
    async def pid(self) -> int: ...
    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Entry:
    """A runner, how many batches it has been given, and how many it is at."""

    link: RunnerHandle
    runs: int = 0
    users: int = 0


class RunnerPool:
    """A process holds 160 MB before it does anything, so lanes nobody waits for share one."""

    def __init__(self, open_runner: Callable[[], RunnerHandle], recycle_after: int) -> None:
        self.open_runner = open_runner
        self.recycle_after = recycle_after
        self.current: _Entry | None = None
        self.opening = asyncio.Lock()

    async def open(self) -> _Entry:
        """The runner, warm; a new one when there is none."""
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
    async def taken(self) -> AsyncIterator[RunnerHandle]:
        """The runner for one batch. One that raised in the block, or grew old, is replaced, and
        closed when the last batch on it has ended: the others may not have noticed anything."""
        one = await self.open()
        one.users += 1
        one.runs += 1
        try:
            yield one.link
        except Exception:
            self._leave(one)
            raise
        finally:
            one.users -= 1
            if one.runs >= self.recycle_after:
                self._leave(one)
            if one is not self.current and not one.users:
                one.link.close()

    def _leave(self, one: _Entry) -> None:
        if self.current is one:
            self.current = None

    async def pid(self) -> int | None:
        """Process id of the runner, None while there is none, or one that died unnoticed."""
        try:
            return await self.current.link.pid() if self.current else None
        except Exception:
            return None
