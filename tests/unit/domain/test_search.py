"""Score fusion, ranking and grouping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search import (
    DENSE_WEIGHT,
    NO_CANDIDATES,
    Candidates,
    SearchMode,
    SearchQuery,
    rank,
)

cosines = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 1), max_size=8)
bm25 = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 50), max_size=8)


def hybrid(dense: Candidates, sparse: Candidates = NO_CANDIDATES) -> dict[str, float]:
    return {one.chunk_id: one.score for one in rank(SearchMode.HYBRID, dense, sparse)}


def test_exact_match_ranks_before_noise() -> None:
    noise = {f"noise{number}": 0.28 - number / 1000 for number in range(100)}
    exact = Candidates({"exact": 8.0}, best_possible=18.0, is_all=True)
    assert next(iter(hybrid(Candidates(noise), exact))) == "exact"


def test_near_passage_ranks_before_one_common_word_of_many() -> None:
    near = {"near": 0.8, **{f"far{number}": 0.3 for number in range(99)}}
    common = Candidates({"common": 3.0}, best_possible=60.0, is_all=True)
    assert next(iter(hybrid(Candidates(near), common))) == "near"


def test_order_is_that_of_a_model_with_compressed_cosines() -> None:
    dense = {"a": 0.9, "b": 0.5, "c": 0.1}
    sparse = Candidates({"b": 5.0, "c": 7.0}, best_possible=20.0, is_all=True)
    compressed = {key: 0.7 + 0.3 * cosine for key, cosine in dense.items()}
    assert hybrid(Candidates(dense), sparse) == pytest.approx(
        hybrid(Candidates(compressed), sparse)
    )


def test_perfect_match_scores_one() -> None:
    sparse = Candidates({"a": 22.0, "b": 2.0}, best_possible=22.0, is_all=True)
    scores = hybrid(Candidates({"a": 1.0, "b": 0.2}), sparse)
    assert scores == pytest.approx({"a": 1.0, "b": (1 - DENSE_WEIGHT) / 11})


def test_chunk_beyond_the_last_candidate_gets_its_share() -> None:
    dense = Candidates({"a": 0.5, "b": 0.4})
    cut = Candidates({"b": 6.0, "c": 3.0}, best_possible=30.0)
    parts = {one.chunk_id: one.parts for one in rank(SearchMode.HYBRID, dense, cut)}
    assert parts["a"]["sparse"] == pytest.approx((1 - DENSE_WEIGHT) * 0.1)
    assert parts["c"]["dense"] == 0


def test_chunk_without_the_words_gets_nothing_for_them() -> None:
    dense = Candidates({"a": 0.5, "b": 0.4})
    whole = Candidates({"b": 6.0}, best_possible=30.0, is_all=True)
    parts = {one.chunk_id: one.parts for one in rank(SearchMode.HYBRID, dense, whole)}
    assert parts["a"]["sparse"] == 0


def test_dense_order_holds_without_words() -> None:
    assert list(hybrid(Candidates({"b": -0.5, "a": -0.1}))) == ["a", "b"]
    assert hybrid(NO_CANDIDATES) == {}


@given(cosines, bm25, st.floats(0, 100), st.booleans())
def test_hybrid_scores_are_between_zero_and_one(
    dense: dict[str, float], sparse: dict[str, float], best: float, is_all: bool
) -> None:
    scores = hybrid(Candidates(dense), Candidates(sparse, best, is_all))
    assert set(scores) == set(dense) | set(sparse)
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores.values())


@given(cosines, bm25, st.floats(0, 100))
def test_hybrid_score_is_monotonic_in_both_scores(
    dense: dict[str, float], sparse: dict[str, float], best: float
) -> None:
    scores = hybrid(Candidates(dense), Candidates(sparse, best))
    for one in dense.keys() & sparse.keys():
        for other in dense.keys() & sparse.keys():
            if dense[one] >= dense[other] and sparse[one] >= sparse[other]:
                assert scores[one] >= scores[other] - 1e-9


def test_rank_in_single_mode_keeps_raw_scores() -> None:
    ranked = rank(SearchMode.SPARSE, NO_CANDIDATES, Candidates({"a": 3.0, "b": 9.0}))
    assert [(r.chunk_id, r.score, r.scores) for r in ranked] == [
        ("b", 9.0, {"sparse": 9.0}),
        ("a", 3.0, {"sparse": 3.0}),
    ]


def test_rank_in_hybrid_mode_reports_score_of_each_retriever() -> None:
    ranked = rank(SearchMode.HYBRID, Candidates({"a": 0.9, "b": 0.8}), Candidates({"b": 9.0}, 20.0))
    scores_by_chunk = {r.chunk_id: r.scores for r in ranked}
    assert scores_by_chunk == {"a": {"dense": 0.9}, "b": {"dense": 0.8, "sparse": 9.0}}


def test_rank_breaks_ties_by_chunk_id() -> None:
    ranked = rank(SearchMode.DENSE, Candidates({"b": 0.5, "a": 0.5}), NO_CANDIDATES)
    assert [one.chunk_id for one in ranked] == ["a", "b"]


def test_rank_by_document_keeps_first_candidate_of_each() -> None:
    dense = Candidates({"a1": 0.9, "a2": 0.8, "b1": 0.7, "c1": 0.6})
    document_of = {key: key[0] for key in dense.scores}
    grouped = rank(SearchMode.DENSE, dense, NO_CANDIDATES, limit=2, document_of=document_of)
    assert [r.chunk_id for r in grouped] == ["a1", "b1"]


def test_search_query_requests_more_candidates_than_limit() -> None:
    assert SearchQuery("x", limit=3).candidates == 100
    assert SearchQuery("x", limit=1000).candidates == 4000
