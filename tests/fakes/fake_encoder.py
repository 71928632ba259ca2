"""An encoder without a model."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from embedding.encoder import unit_rows
from embedding.token_format import CPU_BATCH_TOKENS


class FakeEncoder:
    """An encoder without a model, for tests: each word has one axis, and a text is their sum.

    Equal words always give equal vectors, and texts that share words are close together.
    """

    engine = "no model"
    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, dimension: int = 64, max_tokens: int = 256) -> None:
        self.dimension = dimension
        self.max_tokens = max_tokens

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of `texts`: (len(texts), dimension) float32, each of norm 1."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower())[: self.max_tokens]:
                code = zlib.crc32(word.encode())
                row[code % self.dimension] += 1.0 if code >> 31 else -1.0
            if not row.any():
                row[0] = 1.0
        return unit_rows(vectors)

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the result of `encode`."""
        return self.encode(texts)
