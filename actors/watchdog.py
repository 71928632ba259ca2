"""Watchdog for micro-batches: fails a batch that makes no progress for too long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from domain.errors import WorkerStalled

Result = TypeVar("Result")
CHECKS_PER_TIMEOUT = 20


async def with_stall_timeout(
    results: AsyncIterator[Result], last_progress_at: Callable[[], float], stall_seconds: float
) -> AsyncIterator[Result]:
    """Yields results as they arrive.

    `last_progress_at()` returns the time of the last progress report on the monotonic clock.
    Raises WorkerStalled if neither a result nor a progress report arrives for `stall_seconds`. A
    lease heartbeat does not count: it only proves that the JobManager is alive.
    """
    last = time.monotonic()
    check_seconds = stall_seconds / CHECKS_PER_TIMEOUT
    while True:
        following = asyncio.ensure_future(anext(results))
        try:
            while not (await asyncio.wait({following}, timeout=check_seconds))[0]:
                last = max(last, last_progress_at())
                if time.monotonic() - last > stall_seconds:
                    raise WorkerStalled
            yield following.result()
        except StopAsyncIteration:
            return
        finally:
            following.cancel()
        last = time.monotonic()
