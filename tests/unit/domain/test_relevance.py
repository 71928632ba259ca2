"""Relevance of hits: bounds, monotony, and the difference of fitting and foreign queries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.relevance import CALIBRATIONS, NOTHING_FITS_BELOW, coverage
from embedding.embed_options import EmbedOptions

EMBEDDED = CALIBRATIONS[EmbedOptions().name]
cosines = st.floats(-1, 1)
shares = st.floats(0, 1)


@given(cosines, cosines, shares, shares)
def test_relevance_increases_with_cosine_and_coverage(
    cosine: float, other: float, share: float, another: float
) -> None:
    (low, high), (few, many) = sorted((cosine, other)), sorted((share, another))
    assert 0 < EMBEDDED.relevance(low, few) <= EMBEDDED.relevance(high, many) < 1
    assert 0 < EMBEDDED.relevance(None, few) <= EMBEDDED.relevance(None, many) < 1


@pytest.mark.parametrize(
    ("cosine", "share", "low", "high"),
    [
        (0.22, 0.0, 0.0, 0.05),  # the nearest passage of a library about something else
        (0.22, 0.2, 0.0, 0.05),
        (0.55, 0.4, 0.1, 0.4),  # the subject fits
        (0.83, 1.0, 0.85, 1.0),  # the passage contains every word of the query
    ],
)
def test_relevance_tells_fitting_passages_from_foreign_ones(
    cosine: float, share: float, low: float, high: float
) -> None:
    assert low <= EMBEDDED.relevance(cosine, share) <= high


def test_coverage_is_share_of_distinct_query_terms() -> None:
    assert coverage(["wing", "lift", "wing"], ["wing", "drag"]) == 0.5
    assert coverage([], ["wing"]) == 0.0


def test_passage_with_every_term_is_as_relevant_as_by_words() -> None:
    by_words = EMBEDDED.relevance(None, 1.0)
    assert EMBEDDED.relevance(0.0, 1.0) == by_words > NOTHING_FITS_BELOW
    assert EMBEDDED.relevance(0.0, 0.9) < EMBEDDED.relevance(None, 0.9)
