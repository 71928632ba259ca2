"""Predictable tokenizers for chunks: the ids are positions, and two of them are special tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedding.token_batch import TokenBatch


class WordTokenizer:
    """A `ChunkTokenizer` with one token per word."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [self._size(text) + 2 for text in texts]

    def encode(self, texts: Sequence[str]) -> TokenBatch:
        counts = self.count(texts)
        return TokenBatch.from_rows([np.arange(count, dtype=np.int32) for count in counts])

    def _size(self, text: str) -> int:
        return len(text.split())


class CharacterTokenizer(WordTokenizer):
    """A `ChunkTokenizer` with one token per character."""

    def _size(self, text: str) -> int:
        return len(text)
