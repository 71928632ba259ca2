"""Embeds chunks with the embedding actors: token ids where they accept them, else texts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import ray

from domain.documents import Chunk
from embedding.encoder import embed_batches
from embedding.token_batch import TokenBatch
from embedding.token_format import CPU_BATCH_TOKENS, EncoderInput
from pipelines.extracted_paper import ExtractedPaper
from pipelines.lane_config import LaneConfig
from pipelines.progress import ProgressReporter

BATCHES_IN_FLIGHT = 2  # per embedder: one is encoded, one is in transit (backpressure)

Batch = list[str] | TokenBatch


class ChunkEmbedder:
    """Embeds chunks of one paper.

    The token ids of the paper are used if the embedding actors have the tokenizer of the
    extraction. A paper without ids, and an actor of an older version, get texts.
    """

    def __init__(
        self, extracted: ExtractedPaper, lane: LaneConfig, reporter: ProgressReporter
    ) -> None:
        self._lane, self._reporter = lane, reporter
        self._input = encoder_input(lane.embedders[0])
        self._tokens = usable_tokens(extracted, self._input, lane)
        self._places = {chunk.chunk_id: place for place, chunk in enumerate(extracted.chunks)}

    def __call__(self, chunks: Sequence[Chunk]) -> np.ndarray:
        """Returns the vectors of these chunks of the paper: (len(chunks), dimension)."""
        vectors = embed_batches(
            [chunk.tokens for chunk in chunks],
            lambda batches: encode_remotely(
                [self._batch([chunks[i] for i in batch]) for batch in batches], self._lane
            ),
            batch_tokens=self._lane.config.embed.batch_tokens or self._input.batch_tokens,
            on_batch=self._reporter.chunks_embedded,
        )
        self._reporter.embedded_before += len(chunks)
        return vectors

    def _batch(self, chunks: Sequence[Chunk]) -> Batch:
        if self._tokens is None:
            return [chunk.indexed_text for chunk in chunks]
        return self._tokens.select(self._places[chunk.chunk_id] for chunk in chunks)


def usable_tokens(
    extracted: ExtractedPaper, wanted: EncoderInput, lane: LaneConfig
) -> TokenBatch | None:
    """Returns the token ids of the paper, None if the encoder has to receive texts.

    That is the case for another tokenizer, and for chunks that the encoder truncates.
    """
    if wanted.tokens is None or wanted.tokens != lane.config.tokens:
        return None
    is_truncated = any(chunk.tokens > wanted.max_tokens for chunk in extracted.chunks)
    return None if is_truncated else extracted.tokens()


@lru_cache(maxsize=64)
def encoder_input(embedder: Any) -> EncoderInput:
    """Returns the input that an embedding actor prefers; texts for an actor of an older version."""
    if not hasattr(embedder, "encoder_input"):
        return EncoderInput(None, 0, CPU_BATCH_TOKENS)
    return ray.get(embedder.encoder_input.remote())


def encode_remotely(batches: Sequence[Batch], lane: LaneConfig) -> Iterator[np.ndarray]:
    """Yields the vectors of each batch in order; at most two batches per embedder are in flight."""
    pending: deque[ray.ObjectRef] = deque()
    window = BATCHES_IN_FLIGHT * len(lane.embedders)
    for number, batch in enumerate(batches):
        if len(pending) == window:
            yield ray.get(pending.popleft())
        pending.append(_call(lane.embedders[number % len(lane.embedders)], batch, lane))
    while pending:
        yield ray.get(pending.popleft())


def _call(embedder: Any, batch: Batch, lane: LaneConfig) -> ray.ObjectRef:
    method = embedder.encode_tokens if isinstance(batch, TokenBatch) else embedder.encode
    return method.options(concurrency_group=str(lane.lane)).remote(batch, lane.lane)
