"""How many open tasks a collection may have: who brings more hears QueueFull."""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from domain.errors import QueueFull

KNOWN_SECONDS = 1.0
KNOWN_COLLECTIONS = 1000  # anybody can make up names


class AdmissionLimit:
    """Remembers for a second how many tasks were open, and adds what was let in meanwhile.

    `count(collection, most)` counts open tasks and stops at `most`; it is asked once a second for a
    collection at the most, and who comes while it works goes on with what was known before.
    Without a limit there is always room.
    """

    def __init__(self, count: Callable[[str, int], Awaitable[int]], limit: int | None) -> None:
        self.count = count
        self.limit = limit
        self._known: dict[str, _Known] = {}
        self._looking = Lock()

    async def take(self, collection: str, tasks: int) -> None:
        """Room for so many tasks is taken; with 0 it is only looked for. Raises QueueFull.

        Only a collection that is full already is closed: a folder larger than the limit gets in.
        """
        if self.limit is None:
            return
        known = await self._current(collection, self.limit)
        if known.tasks >= self.limit:
            raise QueueFull(
                f"Collection {collection!r} has {self.limit:,} unfinished papers, the most that "
                "jobs.queue_limit allows. Nothing of this request was kept; what was accepted "
                "before is kept and goes on. Send this again later."
            )
        known.tasks += tasks

    async def _current(self, collection: str, limit: int) -> _Known:
        known = self._known.get(collection)
        if known is not None and (known.is_fresh or self._looking.locked()):
            return known
        async with self._looking:
            known = self._known.get(collection)
            if known is None or not known.is_fresh:
                known = _Known(await self.count(collection, limit), monotonic())
                self._remember(collection, known)
        return known

    def _remember(self, collection: str, known: _Known) -> None:
        if len(self._known) >= KNOWN_COLLECTIONS:
            self._known.clear()
        self._known[collection] = known


@dataclass(slots=True)
class _Known:
    tasks: int
    at: float

    @property
    def is_fresh(self) -> bool:
        return monotonic() - self.at < KNOWN_SECONDS
