"""Embedder: holds the embedding model and serves `encode`; interactive calls have priority."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from domain.jobs import Lane
from pipelines.embed import TokenEncoder, encoder_input
from pipelines.token_batch import TokenBatch
from pipelines.token_format import EncoderInput
from runtime.niceness import lower_cpu_priority

# One call saturates all cores; the texts of the second are already here when the first ends.
MAX_CONCURRENT_CALLS = 2


class Embedder:
    """One model in one process. Stateless: after a restart it loads the model again.

    Thread-safe: MAX_CONCURRENT_CALLS calls run at once, interactive calls first.
    """

    def __init__(
        self,
        model: str,
        *,
        engine: str,
        cache: str,
        threads: int,
        device: str = "auto",
        batch_tokens: int = 0,
    ) -> None:
        from pipelines.encoders.load import load_encoder

        lower_cpu_priority()
        self.encoder = load_encoder(
            model,
            engine=engine,
            cache=Path(cache),
            threads=threads,
            device=device,
            batch_tokens=batch_tokens,
        )
        self.gate = PriorityGate(MAX_CONCURRENT_CALLS)

    def encode(self, texts: Sequence[str], lane: Lane = Lane.BULK) -> np.ndarray:
        """Returns unit vectors of the texts, shape (len(texts), dimension), float32."""
        with self.gate.acquire(urgent=lane == Lane.INTERACTIVE):
            return self.encoder.encode(texts)

    def encode_tokens(self, tokens: TokenBatch, lane: Lane = Lane.BULK) -> np.ndarray:
        """Returns unit vectors of passages with these token ids, as `encode` for their texts.

        Raises TypeError if `encoder_input` states no token format.
        """
        if not isinstance(self.encoder, TokenEncoder):
            raise TypeError("The encoder of this model accepts texts only.")
        with self.gate.acquire(urgent=lane == Lane.INTERACTIVE):
            return self.encoder.encode_tokens(tokens)

    def encoder_input(self) -> EncoderInput:
        """Returns the input that the model prefers."""
        return encoder_input(self.encoder)

    def encode_query(self, text: str) -> np.ndarray:
        """Returns the unit vector of a query, shape (dimension,), float32."""
        with self.gate.acquire(urgent=True):
            return self.encoder.encode_queries([text])[0]

    def dimension(self) -> int:
        """Returns the length of the vectors. Ray queues the call until the model is loaded."""
        return self.encoder.dimension

    def pid(self) -> int:
        """Returns the process id."""
        return os.getpid()


class PriorityGate:
    """A counting semaphore with two priorities: urgent callers acquire before all others."""

    def __init__(self, permits: int) -> None:
        self.permits = permits
        self.urgent_waiting = 0
        self.changed = threading.Condition()

    @contextmanager
    def acquire(self, urgent: bool) -> Iterator[None]:
        """Holds one permit while the block runs; waits until one is free."""
        with self.changed:
            self.urgent_waiting += urgent
            self.changed.wait_for(lambda: self.permits > 0 and (urgent or not self.urgent_waiting))
            self.urgent_waiting -= urgent
            self.permits -= 1
        try:
            yield
        finally:
            with self.changed:
                self.permits += 1
                self.changed.notify_all()
