"""Rate-limited log of store outages: at most one line a minute for each cause."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 60.0
CAUSE_CHARACTERS = 500


class OutageLog:
    """Logs the causes of the outages of one store. Thread-safe.

    During an outage all components of the service retry several times a second. Each cause (by
    exception type) is logged when it first occurs and then once a minute.
    """

    def __init__(self, store: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._logged: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, cause: BaseException) -> None:
        """Logs the cause, unless the same cause was logged within the last minute."""
        kind = type(cause).__name__
        if self._is_due(kind):
            details = " ".join(str(cause).split())[:CAUSE_CHARACTERS]
            log.warning(
                "%s is unavailable: %s: %s",
                self._store,
                kind,
                details or "no details",
                extra={"action": "store_unavailable", "store": self._store, "cause": kind},
            )

    def _is_due(self, kind: str) -> bool:
        now = self._clock()
        with self._lock:
            last = self._logged.get(kind)
            if last is not None and now - last < INTERVAL_SECONDS:
                return False
            self._logged[kind] = now
            return True
