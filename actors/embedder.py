"""Embedder: holds the embedding model and serves `encode`; queries do not wait for batches."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from actors.batcher import Batcher
from domain.fair_share import INTERACTIVE_WEIGHT
from domain.jobs import Lane
from embedding.encoder import TokenEncoder, encoder_input
from embedding.token_batch import TokenBatch
from embedding.token_format import EncoderInput
from runtime.garbage import keep_loaded
from runtime.local_calls import LocalServer
from runtime.niceness import lower_cpu_priority


class Embedder:
    """One model in one process. Stateless: after a restart it loads the model again.

    Thread-safe: concurrent calls share batches. While interactive and other calls wait, interactive
    ones get `interactive_weight` times as many tokens. Queries run beside the batches, with a
    higher CPU priority.
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
        interactive_weight: float = INTERACTIVE_WEIGHT,
    ) -> None:
        from embedding.load import load_encoder

        if threads:  # of the tokenizer; the pool reads the variable when it is used first
            os.environ.setdefault("RAYON_NUM_THREADS", str(threads))
        load = partial(
            load_encoder,
            model,
            engine=engine,
            cache=Path(cache),
            threads=threads,
            device=device,
            batch_tokens=batch_tokens,
        )
        with ThreadPoolExecutor(1, initializer=lower_cpu_priority) as background:
            self.encoder = background.submit(load).result()
            self.batcher = background.submit(
                Batcher,
                self._encode_tokens,
                self.encoder.batch_tokens,
                urgent_weight=interactive_weight,
            ).result()
        self.queries = LocalServer(self._encoded_query)
        keep_loaded()

    def encode(self, texts: Sequence[str], lane: Lane = Lane.BULK) -> np.ndarray:
        """Returns unit vectors of the texts, shape (len(texts), dimension), float32."""
        work = partial(self.encoder.encode, texts)
        cost = self.encoder.batch_tokens  # the number of tokens is unknown: one batch
        return self.batcher.run(work, urgent=lane == Lane.INTERACTIVE, cost=cost).result()

    def encode_tokens(self, tokens: TokenBatch, lane: Lane = Lane.BULK) -> np.ndarray:
        """Returns unit vectors of passages with these token ids, as `encode` for their texts.

        Concurrent calls share batches. Raises TypeError if `encoder_input` states no token format.
        """
        return self.batcher.encode(tokens, urgent=lane == Lane.INTERACTIVE).result()

    def encoder_input(self) -> EncoderInput:
        """Returns the input that the model prefers."""
        return encoder_input(self.encoder)

    def encode_query(self, text: str) -> np.ndarray:
        """Returns the unit vector of a query, shape (dimension,), float32."""
        return self.encoder.encode_queries([text])[0]

    def query_address(self) -> str:
        """Returns the address for queries of processes on this machine (runtime/local_calls.py).

        A request is the text in UTF-8, the response is its vector, float32.
        """
        return self.queries.address

    def engine(self) -> str:
        """Returns the engine with its precision and device, for logs."""
        return self.encoder.engine

    def dimension(self) -> int:
        """Returns the length of the vectors. Ray queues the call until the model is loaded."""
        return self.encoder.dimension

    def state(self) -> str | None:
        """Returns None: the actor is ready. Ray queues the call until the model is loaded."""
        return None

    def pid(self) -> int:
        """Returns the process id."""
        return os.getpid()

    def _encoded_query(self, text: bytes) -> bytes:
        vector = self.encode_query(text.decode())
        return np.asarray(vector, np.float32).tobytes()

    def _encode_tokens(self, tokens: TokenBatch) -> np.ndarray:
        if not isinstance(self.encoder, TokenEncoder):
            raise TypeError("The encoder of this model accepts texts only.")
        return self.encoder.encode_tokens(tokens)
