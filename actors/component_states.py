"""What each component of a starting service does, by the name of its check in /readyz."""

from __future__ import annotations

import asyncio
from pathlib import Path

from actors.registry import answer_of
from domain.names import EMBEDDED_STORES, EMBEDDER, JOB_MANAGER, RERANKER
from embedding.load import is_converting

USED_BY_SEARCH = ("database", "vector_store", "embedder")


class ComponentStates:
    """Asks the actors of the service. `models`: the folder of converted models.

    `reranker`: the name of its model, empty without one.
    """

    def __init__(self, embedding_actors: int, models: Path, reranker: str = "") -> None:
        self._embedding_actors = embedding_actors
        self._models = models
        self._reranks = bool(reranker)
        self._stores: dict[str, str] | None = None  # the last answer

    async def current(self) -> dict[str, str]:
        """Returns a state for each component that is not ready; empty if all are."""
        self._stores, manager, embedder, reranker = await asyncio.gather(
            answer_of(EMBEDDED_STORES, "states", self._stores),
            answer_of(JOB_MANAGER, "state", "starting"),
            self._embedder(),
            self._reranker(),
        )
        named = {"job_manager": manager, "embedder": embedder, "reranker": reranker}
        states = {**(self._stores or {}), **{name: state for name, state in named.items() if state}}
        if missing := [name for name in USED_BY_SEARCH if name in states]:
            states["search"] = f"waits for {', '.join(missing)}"
        return states

    async def _embedder(self) -> str | None:
        """An actor answers nothing until its constructor has loaded the model."""
        names = [f"{EMBEDDER}_{number}" for number in range(self._embedding_actors)]
        waiting = "loading the model"
        if is_converting(self._models):
            waiting = "converting the model; this happens once"
        states = await asyncio.gather(*(answer_of(name, "state", waiting) for name in names))
        return next(filter(None, states), None)

    async def _reranker(self) -> str | None:
        return await answer_of(RERANKER, "state", "loading the model") if self._reranks else None
