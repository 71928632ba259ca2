"""Backpressure: limits the number of open tasks of a collection; raises QueueFull beyond it."""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from domain.collection_names import name_of
from domain.errors import QueueFull

KNOWN_SECONDS = 1.0  # lifetime of a cached count
KNOWN_COLLECTIONS = 1000  # cache size; bounded because clients choose the names


class AdmissionLimit:
    """Caches the number of open tasks per collection and adds the tasks admitted since.

    `count(collection, limit)` counts open tasks, at most `limit`. It is called at most once per
    KNOWN_SECONDS and collection; concurrent callers use the previous count meanwhile. With `limit`
    None, every reservation succeeds.
    """

    def __init__(self, count: Callable[[str, int], Awaitable[int]], limit: int | None) -> None:
        self.count = count
        self.limit = limit
        self._known: dict[str, _Known] = {}
        self._counting = Lock()

    async def reserve(self, collection: str, tasks: int) -> None:
        """Reserves capacity for `tasks` tasks; 0 only checks. Raises QueueFull.

        Rejects only if the collection is full already: a folder larger than the limit is admitted.
        """
        if self.limit is None:
            return
        known = await self._current(collection, self.limit)
        if known.tasks >= self.limit:
            raise QueueFull(
                f"Collection {name_of(collection)!r} has {self.limit:,} unfinished papers, the "
                "most that jobs.queue_limit allows. Nothing of this request was kept; uploads that "
                "were accepted before are kept and processed. Send this request again later."
            )
        known.tasks += tasks

    async def _current(self, collection: str, limit: int) -> _Known:
        known = self._known.get(collection)
        if known is not None and (known.is_fresh or self._counting.locked()):
            return known
        async with self._counting:
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
