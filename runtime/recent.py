"""Results that are kept for some seconds, so that frequent callers do not repeat the work."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from runtime.single_flight import SingleFlight

T = TypeVar("T")


class Recent(Generic[T]):
    """The result of an operation, at most `seconds` old. Concurrent callers share one execution.

    For one event loop. An error is raised to the callers and not kept.
    """

    def __init__(self, operation: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._operation = operation
        self._seconds = seconds
        self._flight = SingleFlight[T](joins_running=True)
        self._kept: tuple[float, T] | None = None

    async def get(self) -> T:
        """Returns the result, or raises the error of the operation."""
        if self._kept is not None and time.monotonic() < self._kept[0]:
            return self._kept[1]
        return await self._flight.run("result", self._run)

    async def _run(self) -> T:
        result = await self._operation()
        self._kept = time.monotonic() + self._seconds, result
        return result
