"""Term statistics of a collection, from a periodically refreshed sample."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from stores.milvus.bm25 import TermStatistics


class SampledStatistics:
    """Cached term statistics of a sample. Refreshing takes at most 1 % of the time."""

    def __init__(self, sample: Callable[[], TermStatistics]) -> None:
        self._sample = sample
        self._statistics: TermStatistics | None = None
        self._stale_at = 0.0
        self._lock = threading.Lock()

    def current(self) -> TermStatistics:
        """Returns the statistics. The first caller after expiry refreshes them; concurrent callers
        get the stale ones."""
        statistics = self._statistics
        if statistics is not None and time.monotonic() < self._stale_at:
            return statistics
        if statistics is not None and self._lock.locked():
            return statistics
        with self._lock:
            if self._statistics is None or time.monotonic() >= self._stale_at:
                started_at = time.monotonic()
                self._statistics = self._sample()
                ended_at = time.monotonic()
                self._stale_at = ended_at + 100 * (ended_at - started_at)
            return self._statistics
