"""The signal that wakes a loop before its next poll."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class WakeSignal:
    """A signal that arrives while the loop works ends its next sleep at once. A lost one costs a
    poll interval."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Ends the sleep."""
        self._event.set()

    async def sleep(self, seconds: float) -> None:
        """Returns after `wake`, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()
