"""Holds the embedding model and answers `encode`. Interactive calls go before bulk ones."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from domain.jobs import Lane
from runtime.niceness import lower_cpu_priority

# Each call keeps every core busy by itself; the second one has its texts ready when the first ends.
CALLS_AT_ONCE = 2


class Embedder:
    """One model in one process. Remembers nothing: kill it and the next one loads the model.

    Calls come from several threads; as many as the model has streams run at once, interactive ones
    first.
    """

    def __init__(
        self, model: str, *, engine: str, cache: str, threads: int, device: str = "auto"
    ) -> None:
        from pipelines.encoders.load import load_encoder

        lower_cpu_priority()
        self.encoder = load_encoder(
            model, engine=engine, cache=Path(cache), threads=threads, device=device
        )
        self.gate = PriorityGate(CALLS_AT_ONCE)

    def encode(self, texts: Sequence[str], lane: Lane = Lane.BULK) -> np.ndarray:
        """Unit vectors of the texts, (len(texts), dimension) float32."""
        with self.gate.entered(urgent=lane == Lane.INTERACTIVE):
            return self.encoder.encode(texts)

    def encode_query(self, text: str) -> np.ndarray:
        """Unit vector of a query, (dimension,) float32."""
        with self.gate.entered(urgent=True):
            return self.encoder.encode_queries([text])[0]

    def dimension(self) -> int:
        """Length of the vectors; answers once the model is loaded."""
        return self.encoder.dimension

    def pid(self) -> int:
        """Process id."""
        return os.getpid()


class PriorityGate:
    """Lets `places` callers in at once; no ordinary caller enters while an urgent one waits."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.urgent_waiting = 0
        self.changed = threading.Condition()

    @contextmanager
    def entered(self, urgent: bool) -> Iterator[None]:
        """The block runs inside the gate."""
        with self.changed:
            self.urgent_waiting += urgent
            self.changed.wait_for(lambda: self.places > 0 and (urgent or not self.urgent_waiting))
            self.urgent_waiting -= urgent
            self.places -= 1
        try:
            yield
        finally:
            with self.changed:
                self.places += 1
                self.changed.notify_all()
