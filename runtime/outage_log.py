"""Logs why a store is unavailable, at most once a minute for each cause."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 60.0
CAUSE_CHARACTERS = 500


class OutageLog:
    """The causes of one store's outages. Safe to use from several threads.

    A store that is away is asked several times a second by every part of the service: each cause
    (the type of its exception) is logged when it is first seen and once a minute after that.
    """

    def __init__(self, store: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._logged: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, cause: BaseException) -> None:
        """The cause is in the log, unless the same one was within the last minute."""
        kind = type(cause).__name__
        if self._is_due(kind):
            said = " ".join(str(cause).split())[:CAUSE_CHARACTERS]
            log.warning(
                "%s is unavailable: %s: %s",
                self._store,
                kind,
                said or "no details",
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
