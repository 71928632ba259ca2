"""BM25 as an inner product of two sparse vectors: any index of sparse vectors can rank by it.

    score(query, text) = sum over the terms of  idf(term) * saturation(term in text)
    idf        = ln(1 + (N - n + 0.5) / (n + 0.5))              N texts, n of them with the term
    saturation = tf * (K1 + 1) / (tf + K1 * (1 - B + B * length / TYPICAL_LENGTH))

(Robertson and Zaragoza, 2009, with the idf of Lucene.) The saturation is stored with the text, the
idf comes with the query. Milvus Lite has a BM25 function of its own, but with statistics of each
segment for itself: in a segment of one fresh paper no term is rare, and the paper is not found.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping

from stores.milvus.terms import terms

K1 = 1.2
B = 0.75
TYPICAL_LENGTH = 100.0
"""Terms of a full chunk (256 tokens). A constant, so that stored vectors never go stale."""

_NO_TERM = 0


def text_vector(text: str) -> dict[int, float]:
    """The saturation of each term of a text, by term number; never empty, as servers want it."""
    counts = Counter(terms(text))
    damping = K1 * (1 - B + B * counts.total() / TYPICAL_LENGTH)
    vector = {term_number(term): tf * (K1 + 1) / (tf + damping) for term, tf in counts.items()}
    return vector or {_NO_TERM: 1.0}


def query_vector(text: str, statistics: TermStatistics) -> dict[int, float]:
    """The idf of each term of a query, by term number; empty when it holds function words only."""
    counts = Counter(term_number(term) for term in terms(text))
    return {number: tf * statistics.idf(number) for number, tf in counts.items()}


def term_number(term: str) -> int:
    """The dimension of a term: 1 to 2**32 - 2, by CRC-32 (two of 100,000 terms share one)."""
    return zlib.crc32(term.encode()) % (2**32 - 2) + 1


class TermStatistics:
    """In how many of the texts each term occurs; from all texts or from a sample of them."""

    def __init__(self, vectors: Iterable[Mapping[int, float]] = ()) -> None:
        self.texts = 0
        self._holding: Counter[int] = Counter()
        for vector in vectors:
            self.texts += 1
            self._holding.update(vector.keys())

    def idf(self, number: int) -> float:
        """The weight of a term: large when few texts hold it, above 0 when all do."""
        holding = self._holding[number]
        return math.log(1 + (self.texts - holding + 0.5) / (holding + 0.5))
