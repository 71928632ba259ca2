"""Term statistics of a collection, from a sample that is renewed now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from stores.milvus.bm25 import TermStatistics


class SampledStatistics:
    """Term statistics of a sample of the collection; renewing takes 1 % of the time at most."""

    def __init__(self, sample: Callable[[], TermStatistics]) -> None:
        self._sample = sample
        self._statistics: TermStatistics | None = None
        self._stale_at = 0.0
        self._lock = threading.Lock()

    def current(self) -> TermStatistics:
        """The statistics; who finds them stale renews them, others go on with what there is."""
        statistics = self._statistics
        if statistics is not None and time.monotonic() < self._stale_at:
            return statistics
        if statistics is not None and self._lock.locked():
            return statistics
        with self._lock:
            if self._statistics is None or time.monotonic() >= self._stale_at:
                began = time.monotonic()
                self._statistics = self._sample()
                ended = time.monotonic()
                self._stale_at = ended + 100 * (ended - began)
            return self._statistics
