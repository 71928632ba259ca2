"""The names of renamed collections, read from PostgreSQL at most once a second."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from domain.collection_names import CollectionNames
from domain.errors import Unavailable
from runtime.single_flight import SingleFlight

SECONDS = 1.0
SECONDS_UNTIL_KNOWN = 1.5
"""Every API process knows a new name after this time."""


class NameCache:
    """Caches the names of one API process."""

    def __init__(
        self,
        read: Callable[[], Awaitable[CollectionNames]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._clock = read, clock
        self._names, self._expires_at = CollectionNames(), 0.0
        self._reading = SingleFlight[None](joins_running=True)

    async def current(self) -> CollectionNames | Unavailable:
        """Returns the names, at most SECONDS old, or the error if they cannot be read.

        A request that needs no name is answered all the same (`naming`).
        """
        if self._clock() < self._expires_at:
            return self._names
        try:
            await self._reading.run("names", self._refresh)
        except Unavailable as error:
            return error
        return self._names

    async def _refresh(self) -> None:
        expires_at = self._clock() + SECONDS
        self._names, self._expires_at = await self._read(), expires_at
