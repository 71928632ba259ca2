"""Single flight: concurrent callers of the same operation share one execution."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs an operation once for all callers that ask for the same key at the same time.

    A caller joins an execution only while it has not started: an execution that has started may
    have read older data than the caller expects. With `joins_running`, a caller also joins an
    execution that has started. For one event loop.
    """

    def __init__(self, *, joins_running: bool = False) -> None:
        self._joins_running = joins_running
        self._joinable: dict[Hashable, asyncio.Task[T]] = {}

    async def run(self, key: Hashable, operation: Callable[[], Awaitable[T]]) -> T:
        """Returns the result of `operation`, or raises its error.

        A cancelled caller does not cancel the execution: other callers may wait for it.
        """
        task = self._joinable.get(key)
        if task is None:
            task = asyncio.create_task(self._start(key, operation))
            task.add_done_callback(_retrieve_error)
            self._joinable[key] = task
            if self._joins_running:
                task.add_done_callback(lambda _: self._joinable.pop(key))
        return await asyncio.shield(task)

    async def _start(self, key: Hashable, operation: Callable[[], Awaitable[T]]) -> T:
        if not self._joins_running:
            del self._joinable[key]
        return await operation()


def _retrieve_error(task: asyncio.Task[T]) -> None:
    """Prevents a log line of asyncio about an error after all callers were cancelled."""
    if not task.cancelled():
        task.exception()
