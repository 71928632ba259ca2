"""What a starting service does: for the log, and for /readyz before the API answers."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from serve_app.process.phase_log import PhaseLog

log = logging.getLogger(__name__)
WATCH_SECONDS = 0.25
END_SECONDS = 5.0  # longer only without a control store, which a call may wait for
States = Mapping[str, str]


class StartProgress:
    """The running phase of `paperworks up` and the states of the components that are not ready."""

    def __init__(self) -> None:
        self.phase_log = PhaseLog()
        self.durations: dict[str, float] = {}
        self._running: dict[str, float] = {}  # start time of the running phase
        self._components: States = {}

    def states(self) -> dict[str, str]:
        """Returns what each phase and component that is not ready does. Thread-safe."""
        now = time.monotonic()
        phases = {
            name: f"starting for {now - began:.0f} s" for name, began in self._running.items()
        }
        return {**phases, **self._components}

    def summary(self) -> str:
        """Returns the seconds of each phase."""
        return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.durations.items())

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Logs the beginning and the end of a phase."""
        began = time.monotonic()
        self._running = {name: began}
        log.info("Starting: %s", name)
        yield
        self._running = {}
        self.durations[name] = time.monotonic() - began
        log.info("Started: %s after %.1f s", name, self.durations[name])

    @contextmanager
    def watching(self, components: Callable[[], Awaitable[States]]) -> Iterator[None]:
        """Asks for the states of the components during the block, in a thread, and logs them.

        A thread, because a signal is lost while Ray waits in the main thread.
        """
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(WATCH_SECONDS):
                try:
                    self._components = asyncio.run(_current(components))
                except Exception as error:  # the cluster has ended; the main thread reports why
                    log.debug("The states of the components are unknown: %s", error)
                self.phase_log.show(self._components)

        thread = threading.Thread(target=watch, name="start-progress", daemon=True)
        try:
            thread.start()
            yield
        finally:
            ended.set()
            if thread.is_alive():
                thread.join(END_SECONDS)


async def _current(components: Callable[[], Awaitable[States]]) -> States:
    return await components()
