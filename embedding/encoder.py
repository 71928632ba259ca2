"""Embeds texts with any `Encoder`: sorted by length, batched by tokens, returned in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from embedding.token_batch import TokenBatch
from embedding.token_format import EncoderInput, TokenFormat

EncodeBatches = Callable[[list[list[int]]], Iterable[np.ndarray]]


class Encoder(Protocol):
    """The interface of an embedding model. Implementations are thread safe.

    `dimension` is the length of a vector. `max_tokens` is the length at which a text is truncated,
    including the model's special tokens and its document prompt, if any. `batch_tokens` is the
    size of a batch, padding included, that uses the device fully. `engine` names precision and
    device for logs.
    """

    engine: str
    dimension: int
    max_tokens: int
    batch_tokens: int

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: (len(texts), dimension) float32, each of norm 1."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of queries, with the model's query prompt; same shape and norm."""
        ...


@runtime_checkable
class TokenEncoder(Encoder, Protocol):
    """An `Encoder` that accepts token ids of `token_format`; None: this model accepts texts only.

    The format is None if the model's document prompt or tokenizer would give other ids for a text
    than the file tokenizer.json.
    """

    token_format: TokenFormat | None

    def encode_tokens(self, tokens: TokenBatch) -> np.ndarray:
        """Returns the vectors of passages, as `encode` does for their texts.

        No text has more than `max_tokens` tokens.
        """
        ...


def encoder_input(encoder: Encoder) -> EncoderInput:
    """Returns the input that the encoder prefers."""
    tokens = encoder.token_format if isinstance(encoder, TokenEncoder) else None
    return EncoderInput(tokens, encoder.max_tokens, encoder.batch_tokens)


def embed_batches(
    token_counts: Sequence[int],
    encode: EncodeBatches,
    *,
    batch_tokens: int,
    on_batch: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Returns the vectors of texts with these numbers of tokens, in their order.

    The result is (texts, dimension) float32, or (0, 0) for no texts. `encode` receives the indexes
    of the texts of all batches at once, may run the batches in parallel, and yields their vectors
    in order. `on_batch` is called after each batch with the number of texts done so far. Raises
    ValueError when the vectors do not match the texts.
    """
    batches = cut_batches(token_counts, batch_tokens)
    vectors = np.zeros((0, 0), dtype=np.float32)
    done = 0
    for batch, rows in zip(batches, encode(batches), strict=True):
        if not done:
            vectors = np.empty((len(token_counts), rows.shape[1]), dtype=np.float32)
        if len(rows) != len(batch):
            raise ValueError(
                f"{len(batch)} texts went into the encoder, {len(rows)} vectors came out."
            )
        vectors[batch] = rows
        done += len(batch)
        if on_batch is not None:
            on_batch(done)
    return vectors


def cut_batches(token_counts: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Returns the indexes 0..n-1 in batches, padded to at most `batch_tokens` tokens each.

    The size of a batch is the length of its longest text times the number of texts. Longest texts
    come first, so that short texts are not padded to long ones and the last batch is a small one. A
    text that exceeds the budget is a batch by itself.
    """
    batches: list[list[int]] = []
    longest = 0
    for i in sorted(range(len(token_counts)), key=lambda i: (-token_counts[i], i)):
        if not batches or longest * (len(batches[-1]) + 1) > batch_tokens:
            batches.append([])
            longest = max(1, token_counts[i])
        batches[-1].append(i)
    return batches


_MIN_NORM = 1e-12  # avoids a division by zero


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Returns the rows scaled to norm 1, as float32; a row of zeros is unchanged."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _MIN_NORM)
