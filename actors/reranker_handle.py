"""The reranker as the API sees it: calls with a time limit, and errors with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError

from actors.registry import awaited
from actors.reranker import STATE_CALLS
from domain.errors import ServiceNotReady
from domain.names import NAMESPACE, RERANKER

MAX_CALLS = 16  # of one API process; calls that have outlived their search count
NOT_RUNNING = "The reranker is loading its model, or could not load it; its log has the cause."


class RerankerHandle:
    """Calls the reranker within `seconds`. Stays valid when the actor restarts."""

    def __init__(self, seconds: float) -> None:
        self._actor: Any = ray.get_actor(RERANKER, namespace=NAMESPACE)
        self._seconds = seconds
        self._calls: set[asyncio.Task[list[float]]] = set()

    async def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        """Returns a score for each passage; larger is better. Raises ServiceNotReady."""
        if len(self._calls) >= MAX_CALLS:
            raise ServiceNotReady("The reranker is busy with other searches.")
        call = asyncio.ensure_future(awaited(self._actor.scores.remote(query, list(passages))))
        self._calls.add(call)
        call.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(call), self._seconds)
        except TimeoutError as error:
            late = f"The reranker did not answer within {self._seconds:g} s."
            raise ServiceNotReady(late) from error
        except RayActorError as error:
            raise ServiceNotReady(NOT_RUNNING) from error
        except RayError as error:
            raise ServiceNotReady("The reranker failed; its log has the cause.") from error

    async def check(self) -> None:
        """Raises ServiceNotReady unless the reranker has loaded its model."""
        try:
            await self._actor.state.options(concurrency_group=STATE_CALLS).remote()
        except RayError as error:
            raise ServiceNotReady(NOT_RUNNING) from error

    def _ended(self, call: asyncio.Task[list[float]]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # marks the error of a call that has outlived its search as known
