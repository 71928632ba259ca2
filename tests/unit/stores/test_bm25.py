"""BM25 as an inner product of sparse vectors."""

from __future__ import annotations

import math

import pytest

from stores.milvus.bm25 import TermStatistics, query_vector, term_number, text_vector


def score(query: str, text: str, statistics: TermStatistics) -> float:
    weights = query_vector(query, statistics)
    return sum(weight * text_vector(text).get(number, 0.0) for number, weight in weights.items())


def test_bm25_score_matches_formula() -> None:
    texts = ["flow flow plate", "flow", "shock"]
    statistics = TermStatistics(map(text_vector, texts))
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    saturation = 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 100))
    assert score("flow", texts[0], statistics) == pytest.approx(idf * saturation)


def test_bm25_idf_is_higher_for_rare_terms() -> None:
    statistics = TermStatistics(map(text_vector, ["flow", "flow", "flow shock"]))
    idf = {word: statistics.idf(term_number(word)) for word in ("flow", "shock", "unseen")}
    assert 0 < idf["flow"] < idf["shock"] < idf["unseen"]


def test_bm25_query_vector_without_statistics_has_weights() -> None:
    assert all(weight > 0 for weight in query_vector("shock waves", TermStatistics()).values())


def test_bm25_vector_of_empty_text_matches_no_query() -> None:
    assert text_vector("?!") == {0: 1.0}
    assert query_vector("?!", TermStatistics()) == {}


def test_bm25_term_numbers_are_valid_dimensions() -> None:
    assert all(0 < term_number(f"term{i}") < 2**32 - 1 for i in range(1000))
