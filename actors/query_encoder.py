"""Embedding of queries as the API sees it: by the socket of the actor, or by a call of Ray."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from cachetools import LRUCache
from ray.exceptions import RayActorError

from actors.registry import awaited
from domain.errors import ServiceNotReady
from domain.jobs import Lane
from runtime.local_calls import LocalClient

SECONDS = 20.0  # limit of a query
RAY_SECONDS = 30.0
"""How long queries are calls of Ray after the socket has failed: the actor is on another machine,
or it was restarted and has another socket."""
KEPT_VECTORS = 1_000
"""Vectors of the last queries, 1.5 kB each with 384 dimensions, and their texts: the next page of a
search and a changed filter need no model, which takes 5 ms."""


class QueryEncoders:
    """Embeds queries with the embedding actors in turns."""

    def __init__(self, embedders: Sequence[Any]) -> None:
        self._turns = itertools.cycle(map(QueryEncoder, embedders))
        self._kept = LRUCache[str, np.ndarray](KEPT_VECTORS)

    async def vector(self, text: str) -> np.ndarray:
        """Returns the unit vector of a query, shape (dimension,), kept from an earlier one or new.

        Raises ServiceNotReady.
        """
        vector = self._kept.get(text)
        if vector is None:
            vector = self._kept[text] = await self.encode(text)
        return vector

    async def encode(self, text: str) -> np.ndarray:
        """Returns the unit vector of a query as an actor embeds it now. Raises ServiceNotReady."""
        return await next(self._turns).encode(text)


class QueryEncoder:
    """Embeds queries with one embedding actor; stays valid when the actor restarts."""

    def __init__(self, embedder: Any) -> None:
        self._embedder = embedder
        self._client: LocalClient | None = None
        self._by_ray_until = 0.0

    async def encode(self, text: str) -> np.ndarray:
        """Returns the unit vector of a query, shape (dimension,). Raises ServiceNotReady."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._encode(text)
        except (RayActorError, TimeoutError) as error:
            raise ServiceNotReady from error

    async def _encode(self, text: str) -> np.ndarray:
        if time.monotonic() >= self._by_ray_until:
            with suppress(OSError):
                return await self._encode_by_socket(text)
            self._use_ray()
        return await self._called("encode_query", text)

    async def _encode_by_socket(self, text: str) -> np.ndarray:
        """Returns the vector. Raises OSError if the actor does not answer on its socket."""
        client = self._client or LocalClient(await self._address())
        self._client = client
        return np.frombuffer(await client.call(text.encode()), np.float32)

    def _use_ray(self) -> None:
        """Closes the connections, and makes the next queries calls of Ray."""
        if self._client is not None:
            self._client.close()
        self._client = None
        self._by_ray_until = time.monotonic() + RAY_SECONDS

    async def _address(self) -> str:
        """Returns the address of the socket. Raises ConnectionError if the actor has none."""
        is_older = not hasattr(self._embedder, "query_address")
        address = "" if is_older else await self._called("query_address")
        if not address:
            raise ConnectionError("The embedding actor has no socket for queries.")
        return address

    async def _called(self, method: str, *arguments: str) -> Any:
        call = getattr(self._embedder, method).options(concurrency_group=str(Lane.INTERACTIVE))
        return await asyncio.shield(awaited(call.remote(*arguments)))
