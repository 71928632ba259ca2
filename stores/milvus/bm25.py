"""BM25 as an inner product of two sparse vectors, so that any sparse vector index can rank by it.

    score(query, text) = sum over the terms of  idf(term) * saturation(term in text)
    idf        = ln(1 + (N - n + 0.5) / (n + 0.5))              N texts, n of them with the term
    saturation = tf * (K1 + 1) / (tf + K1 * (1 - B + B * length / TYPICAL_LENGTH))

(Robertson and Zaragoza, 2009, with the idf of Lucene.) The saturation is stored with the text, the
idf is part of the query vector. The BM25 function of Milvus Lite is not used because it computes
its statistics per segment: in a segment with a single new paper no term is rare, and the paper is
not found.
"""

from __future__ import annotations

import math
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from stores.milvus.terms import query_weights, terms

K1 = 1.2
B = 0.75
TYPICAL_LENGTH = 100.0
"""Number of terms in a full chunk (256 tokens). A constant, so stored vectors stay valid."""

_NO_TERM = 0


def text_vector(text: str) -> dict[int, float]:
    """Returns the saturation of each term of a text, by term number.

    Never empty, because servers reject empty sparse vectors.
    """
    counts = Counter(terms(text))
    damping = K1 * (1 - B + B * counts.total() / TYPICAL_LENGTH)
    vector = {term_number(term): tf * (K1 + 1) / (tf + damping) for term, tf in counts.items()}
    return vector or {_NO_TERM: 1.0}


def query_frequencies(text: str) -> dict[int, float]:
    """Returns the weight of each term of a query, by term number; empty if it has only stop
    words."""
    return {term_number(term): weight for term, weight in query_weights(text).items()}


def query_vector(text: str, statistics: TermStatistics) -> dict[int, float]:
    """Returns the idf of each term of a query, by term number, times its frequency there."""
    return {number: tf * statistics.idf(number) for number, tf in query_frequencies(text).items()}


def numbers_of(terms: Iterable[str]) -> list[int]:
    """Returns the numbers of the terms in ascending order."""
    return sorted(map(term_number, terms))


def best_possible(weights: Iterable[float]) -> float:
    """Returns the score of a text that has every term of a query very often.

    `weights` are those of `query_vector`. The saturation of a term is below K1 + 1.
    """
    return (K1 + 1) * sum(weights)


def inverse_document_frequency(texts: int, frequency: int) -> float:
    """Returns the idf of a term in `frequency` of `texts` texts: high for rare terms, above 0."""
    return math.log(1 + (texts - frequency + 0.5) / (frequency + 0.5))


def term_number(term: str) -> int:
    """Returns the dimension of a term, 1 to 2**32 - 2, by CRC-32.

    Collisions are rare: of 100,000 terms, two share a number.
    """
    return zlib.crc32(term.encode()) % (2**32 - 2) + 1


class TermStatistics:
    """Document frequencies of terms, from all texts or from a sample."""

    def __init__(self, vectors: Iterable[Mapping[int, float]] = ()) -> None:
        self.texts = 0
        self._frequencies: Counter[int] = Counter()
        for vector in vectors:
            self.texts += 1
            self._frequencies.update(vector.keys())

    def idf(self, number: int) -> float:
        """Returns the inverse document frequency of a term."""
        return inverse_document_frequency(self.texts, self._frequencies[number])


class SampledStatistics:
    """Cached term statistics of a sample. Refreshing takes at most 1 % of the time."""

    def __init__(self, sample: Callable[[], TermStatistics]) -> None:
        self._sample = sample
        self._statistics: TermStatistics | None = None
        self._stale_at = 0.0
        self._lock = threading.Lock()

    def current(self) -> TermStatistics:
        """Returns the statistics. The first caller after expiry refreshes them; concurrent callers
        get the stale ones."""
        statistics = self._statistics
        if statistics is not None and time.monotonic() < self._stale_at:
            return statistics
        if statistics is not None and self._lock.locked():
            return statistics
        with self._lock:
            if self._statistics is None or time.monotonic() >= self._stale_at:
                started_at = time.monotonic()
                self._statistics = self._sample()
                ended_at = time.monotonic()
                self._stale_at = ended_at + 100 * (ended_at - started_at)
            return self._statistics
