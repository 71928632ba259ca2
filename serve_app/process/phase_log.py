"""Logs what each component of a starting service does, with seconds."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 2.0  # between two log lines that differ only in their numbers
_NUMBERS = re.compile(r"[\d,.]+")


class PhaseLog:
    """The states of components that are not ready; logs each new state and each end.

    A state that differs from the last one only in its numbers is progress; it is logged every
    PROGRESS_SECONDS.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: dict[str, float] = {}
        self._logged: dict[str, tuple[str, float]] = {}

    def show(self, states: Mapping[str, str]) -> None:
        """Logs what changed since the last call; a component that is missing now is ready."""
        for name in self._began.keys() - states.keys():
            log.info("%s: ready after %.1f s", name, self._clock() - self._began.pop(name))
            del self._logged[name]
        for name, state in states.items():
            self._show(name, state)

    def _show(self, name: str, state: str) -> None:
        now = self._clock()
        began = self._began.setdefault(name, now)
        text, logged_at = self._logged.get(name, ("", now))
        is_progress = _NUMBERS.sub("", text) == _NUMBERS.sub("", state)
        if text and is_progress and (text == state or now < logged_at + PROGRESS_SECONDS):
            return
        self._logged[name] = (state, now)
        log.info("%s: %s (%.1f s)", name, state, now - began)
