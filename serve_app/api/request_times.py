"""Durations of the requests that this process answered, by minute.

They are counted in memory and written to the database every FLUSH_SECONDS, so that each process can
show the sum of all, and no request waits for that.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from domain.activity import MINUTES, NO_DURATIONS, Activity, bound_of
from domain.activity import RequestTimes as MinuteTimes
from domain.errors import Unavailable
from stores.protocols import ActivityStore

log = logging.getLogger(__name__)
FLUSH_SECONDS = 10.0


class RequestTimes:
    """Counts durations. For one event loop. `clock` returns seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._process = uuid.uuid4().hex
        self._counts: dict[tuple[int, Activity], list[int]] = {}
        self._has_changed = False

    def observe(self, activity: Activity, seconds: float) -> None:
        """Counts a request that was answered just now."""
        key = int(self._clock() // 60), activity
        if key not in self._counts:
            self._counts[key] = list(NO_DURATIONS)
        self._counts[key][bound_of(seconds)] += 1
        self._has_changed = True

    async def keep_flushing(self, store: ActivityStore) -> None:
        """Writes the counts to the store, without end. Counts of an outage are written later."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush(store)
            except Unavailable as error:
                log.debug("The request times are written later: %s", error)
            except Exception:
                log.exception("The request times were not written; they are written later")

    async def flush(self, store: ActivityStore) -> None:
        """Writes the counts that the store does not have. Raises Unavailable."""
        self._forget(int(self._clock() // 60) - MINUTES)
        if not self._has_changed:
            return
        self._has_changed = False
        times = [
            MinuteTimes(datetime.fromtimestamp(60 * minute, UTC), activity, tuple(counts))
            for (minute, activity), counts in self._counts.items()
        ]
        try:
            await store.write(self._process, times)
        except BaseException:
            self._has_changed = True
            raise
        self._forget(int(self._clock() // 60) - 2)

    def _forget(self, last: int) -> None:
        for key in [key for key in self._counts if key[0] <= last]:
            del self._counts[key]
