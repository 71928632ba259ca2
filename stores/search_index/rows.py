"""Rows that enter the index, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class SparseRows:
    """Sparse vectors of n rows: row i has terms[offsets[i]:offsets[i + 1]] with their weights."""

    offsets: np.ndarray
    terms: np.ndarray
    weights: np.ndarray

    def where(self, mask: np.ndarray) -> SparseRows:
        """Returns the rows of the mask."""
        lengths = np.diff(self.offsets)
        kept = np.repeat(mask, lengths)
        offsets = np.concatenate([[0], np.cumsum(lengths[mask])])
        return SparseRows(offsets, self.terms[kept], self.weights[kept])

    def part(self, start: int, end: int) -> SparseRows:
        """Returns the rows from `start` up to `end`."""
        offsets = self.offsets[start : end + 1]
        inside = slice(offsets[0], offsets[-1])
        return SparseRows(offsets - offsets[0], self.terms[inside], self.weights[inside])


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows: keys, vectors of shape (n, dimension), sparse vectors, and columns.

    A column is an array of numbers, or a list of strings.
    """

    keys: list[str]
    vectors: np.ndarray
    sparse: SparseRows
    columns: Mapping[str, np.ndarray | list[str]]

    def __len__(self) -> int:
        return len(self.keys)

    def where(self, mask: np.ndarray) -> Rows:
        """Returns the rows of the mask."""
        if mask.all():
            return self
        chosen = np.flatnonzero(mask).tolist()
        columns = {name: _taken(column, chosen) for name, column in self.columns.items()}
        keys = [self.keys[row] for row in chosen]
        return Rows(keys, self.vectors[chosen], self.sparse.where(mask), columns)

    def without_repeated_keys(self) -> Rows:
        """Returns the last row of each key."""
        last = {key: row for row, key in enumerate(self.keys)}
        mask = np.zeros(len(self), bool)
        mask[list(last.values())] = True
        return self.where(mask)

    def parts(self, size: int) -> Iterator[Rows]:
        """Yields the rows in parts of at most `size` rows."""
        for start in range(0, len(self), size):
            end = min(start + size, len(self))
            columns = {name: column[start:end] for name, column in self.columns.items()}
            sparse = self.sparse.part(start, end)
            yield Rows(self.keys[start:end], self.vectors[start:end], sparse, columns)


def _taken(column: np.ndarray | list[str], rows: list[int]) -> np.ndarray | list[str]:
    return column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows]
