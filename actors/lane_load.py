"""Number of unfinished tasks of each lane: when a lane has room for another micro-batch."""

from __future__ import annotations

import asyncio
from collections import Counter

from domain.jobs import Lane


class LaneLoad:
    """Tasks that this JobManager has claimed and that have not ended, by lane."""

    def __init__(self) -> None:
        self._unfinished = Counter[Lane]()
        self._decreased = asyncio.Event()

    def add(self, lane: Lane, tasks: int) -> None:
        """Adds claimed tasks, or removes ended ones (a negative number)."""
        self._unfinished[lane] += tasks
        if tasks < 0:
            self._decreased.set()

    def of(self, lane: Lane) -> int:
        """Returns the number of unfinished tasks of the lane."""
        return self._unfinished[lane]

    def busy(self) -> frozenset[Lane]:
        """Returns the lanes with unfinished tasks."""
        return frozenset(lane for lane, tasks in self._unfinished.items() if tasks)

    async def until_below(self, lane: Lane, tasks: int) -> None:
        """Returns when the lane has fewer unfinished tasks than `tasks`."""
        while self._unfinished[lane] >= tasks:
            self._decreased.clear()
            await self._decreased.wait()
