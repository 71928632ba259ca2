"""The outcomes of a micro-batch, for as long as anything is heard of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from domain.errors import WorkerStalled

Result = TypeVar("Result")
LOOKS = 20  # while patience lasts


async def with_stall_timeout(
    outcomes: AsyncIterator[Result], heard_at: Callable[[], float], patience_seconds: float
) -> AsyncIterator[Result]:
    """The outcomes as they come, of work that lives: a heartbeat says only that somebody waits.

    `heard_at()` is when its last word came, on the monotonic clock. Raises WorkerStalled when no
    word and no outcome came for `patience_seconds`.
    """
    last = time.monotonic()
    while True:
        following = asyncio.ensure_future(anext(outcomes))
        try:
            while not (await asyncio.wait({following}, timeout=patience_seconds / LOOKS))[0]:
                last = max(last, heard_at())
                if time.monotonic() - last > patience_seconds:
                    raise WorkerStalled
            yield following.result()
        except StopAsyncIteration:
            return
        finally:
            following.cancel()
        last = time.monotonic()
