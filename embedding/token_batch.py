"""Token ids of several texts as two arrays. Light to import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """Token ids of texts, special tokens included.

    `ids` are those of all texts one after another, (total,) int32. Text i has the ids from
    `offsets[i]` to `offsets[i + 1]`; `offsets` is (texts + 1,) int64.
    """

    ids: np.ndarray
    offsets: np.ndarray

    @staticmethod
    def of(ids: np.ndarray, counts: Sequence[int] | np.ndarray) -> TokenBatch:
        """Returns the batch of texts with these numbers of tokens.

        Raises ValueError if their sum is not the number of ids.
        """
        offsets = np.zeros(len(counts) + 1, dtype=np.int64)
        np.cumsum(counts, out=offsets[1:])
        if offsets[-1] != len(ids):
            raise ValueError(f"{len(ids)} token ids, but the counts add up to {offsets[-1]}.")
        return TokenBatch(np.ascontiguousarray(ids, dtype=np.int32), offsets)

    @staticmethod
    def from_rows(rows: Sequence[np.ndarray]) -> TokenBatch:
        """Returns the batch of texts whose ids are these arrays."""
        ids = np.concatenate(rows) if rows else np.empty(0, dtype=np.int32)
        return TokenBatch.of(ids, [len(row) for row in rows])

    @staticmethod
    def joined(batches: Sequence[TokenBatch]) -> TokenBatch:
        """Returns one batch with the texts of all batches, in their order."""
        if len(batches) == 1:
            return batches[0]
        ids = np.concatenate([batch.ids for batch in batches])
        return TokenBatch.of(ids, np.concatenate([batch.counts for batch in batches]))

    def __len__(self) -> int:
        """The number of texts."""
        return len(self.offsets) - 1

    @property
    def counts(self) -> np.ndarray:
        """The number of tokens of each text, (texts,) int64."""
        return np.diff(self.offsets)

    def rows(self) -> list[np.ndarray]:
        """Returns the ids of each text."""
        return np.split(self.ids, self.offsets[1:-1]) if len(self) else []

    def select(self, texts: Iterable[int]) -> TokenBatch:
        """Returns the batch of the texts with these indexes."""
        rows = self.rows()
        return TokenBatch.from_rows([rows[i] for i in texts])

    def padded(self, texts: Sequence[int], width: int, pad_id: int) -> tuple[np.ndarray, ...]:
        """Returns ids and attention mask of these texts, both (len(texts), width) int32.

        Texts are padded on the right. `width` is at least the length of the longest of them.
        """
        starts, counts = self.offsets[:-1][texts], self.counts[texts]
        columns = np.arange(width)
        mask = columns < counts[:, None]
        ids = np.full(mask.shape, pad_id, dtype=np.int32)
        ids[mask] = self.ids[(starts[:, None] + columns)[mask]]
        return ids, mask.astype(np.int32)
