"""Postings of sparse vectors: for each term the rows that contain it, with their weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stores.search_index.rows import SparseRows

MAX_ROWS = 1 << 16  # a row number has two bytes


@dataclass(frozen=True, slots=True)
class Postings:
    """Postings of at most MAX_ROWS rows, ordered by term; six bytes per term of a row."""

    terms: np.ndarray  # the distinct terms in ascending order, uint32
    offsets: np.ndarray  # the postings of terms[i] are offsets[i]:offsets[i + 1]
    rows: np.ndarray  # uint16
    weights: np.ndarray  # float32

    @classmethod
    def of(cls, sparse: SparseRows) -> Postings:
        """Returns the postings of these rows."""
        lengths = np.diff(sparse.offsets)
        rows = np.repeat(np.arange(len(lengths), dtype=np.uint16), lengths)
        return cls._sorted(sparse.terms, rows, sparse.weights)

    @classmethod
    def merged(cls, parts: Sequence[tuple[Postings, np.ndarray]]) -> Postings:
        """Returns the postings of the live rows of several parts; each part has a mask of them.

        The live rows of all parts are numbered in order.
        """
        terms, rows, weights, first = [], [], [], 0
        for postings, live in parts:
            numbers = (np.cumsum(live) + (first - 1)).astype(np.uint16)
            kept = live[postings.rows]
            terms.append(np.repeat(postings.terms, np.diff(postings.offsets))[kept])
            rows.append(numbers[postings.rows[kept]])
            weights.append(postings.weights[kept])
            first += int(np.count_nonzero(live))
        return cls._sorted(*(np.concatenate(one) for one in (terms, rows, weights)))

    @classmethod
    def _sorted(cls, terms: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> Postings:
        # A stable sort (timsort) merges the sorted parts in linear time.
        order = np.argsort(terms, kind="stable")
        ordered = terms[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=~ordered[:1]))
        offsets = np.append(starts, len(terms)).astype(np.int32)
        return cls(ordered[starts], offsets, rows[order], weights[order])

    def frequency(self, term: int, live: np.ndarray | None) -> int:
        """Returns the number of live rows that contain the term."""
        rows = self.rows[self._range(term)]
        return len(rows) if live is None else int(np.count_nonzero(live[rows]))

    def with_terms(self, terms: Iterable[int], rows: int) -> np.ndarray:
        """Returns which of the `rows` rows contain every one of these terms."""
        counts = np.zeros(rows, np.uint16)
        wanted = set(terms)
        for term in wanted:
            counts[self.rows[self._range(term)]] += 1
        return counts == len(wanted)

    def scores(self, query: Mapping[int, float], rows: int) -> np.ndarray:
        """Returns the inner product of the query with each of the `rows` rows, float32."""
        scores = np.zeros(rows, np.float32)
        for term, weight in query.items():
            found = self._range(term)
            scores[self.rows[found]] += np.float32(weight) * self.weights[found]
        return scores

    def _range(self, term: int) -> slice:
        place = int(np.searchsorted(self.terms, np.uint32(term)))
        if place == len(self.terms) or self.terms[place] != term:
            return slice(0, 0)
        return slice(int(self.offsets[place]), int(self.offsets[place + 1]))
