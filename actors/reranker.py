"""Reranker: holds a cross-encoder and scores the passages of a search for its query."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache

STATE_CALLS = "state"  # concurrency group of calls that do not wait for searches
KEPT_ANSWERS = 64  # a search with its next pages; about 100 kB each


class Reranker:
    """One model in one process. Stateless: after a restart it loads the model again. Thread-safe.

    The last answers are kept: the pages of one search are ranked once.
    """

    def __init__(self, model: str, *, threads: int, device: str = "auto") -> None:
        from embedding.cross_encoder import PairScorer
        from embedding.reranker_files import resolve_reranker

        self._options = (model, threads, device)
        threads = threads or len(os.sched_getaffinity(0))
        os.environ.setdefault("RAYON_NUM_THREADS", str(threads))  # of the tokenizer
        self.scorer = PairScorer(resolve_reranker(model), device, threads)
        self._kept = lru_cache(KEPT_ANSWERS)(self.scorer.scores)

    def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        """Returns a score for each passage; larger is better. Raises ValueError."""
        return self._kept(query, tuple(passages))

    def options_given(self) -> tuple[str, int, str]:
        """Returns the name of the model, the threads and the device that the actor was given."""
        return self._options

    def engine(self) -> str:
        """Returns the engine with its precision and device, for logs."""
        return self.scorer.engine

    def state(self) -> str | None:
        """Returns None: the actor is ready. Ray queues the call until the model is loaded."""
        return None

    def pid(self) -> int:
        """Returns the process id."""
        return os.getpid()
