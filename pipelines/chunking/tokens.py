"""Counts and encodes tokens with the tokenizer of the embedding model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tokenizers import Tokenizer

from embedding.token_batch import TokenBatch
from embedding.tokenizer import tokenize

CountTokens = Callable[[Sequence[str]], list[int]]


class ChunkTokenizer(Protocol):
    """The tokenizer of chunks. Special tokens are included, and nothing is truncated.

    One call with many texts is far cheaper than many calls.
    """

    def count(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens of each text."""
        ...

    def encode(self, texts: Sequence[str]) -> TokenBatch:
        """Returns the token ids of the texts."""
        ...


class ModelTokenizer:
    """A `ChunkTokenizer` on a tokenizer.json; its truncation and padding are disabled."""

    def __init__(self, tokenizer_json: Path) -> None:
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(tokenizer_json))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def encode(self, texts: Sequence[str]) -> TokenBatch:
        return tokenize(self._tokenizer, texts)
