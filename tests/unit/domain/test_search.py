"""Score fusion, ranking and grouping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search import SearchMode, SearchQuery, best_per_document, fuse, rank

scores = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 50), max_size=8)


def test_fuse_scores_best_of_both_retrievers_as_one() -> None:
    assert fuse({"a": 0.9, "b": 0.3}, {"a": 12.0, "c": 3.0})["a"] == pytest.approx(1.0)


def test_fuse_applies_dense_weight() -> None:
    fused = fuse({"a": 0.8}, {"b": 7.0}, dense_weight=0.7)
    assert fused == pytest.approx({"a": 0.7, "b": 0.3})


def test_fuse_uses_full_weight_if_one_side_is_empty() -> None:
    assert fuse({"a": 0.8, "b": 0.4}, {}) == pytest.approx({"a": 1.0, "b": 0.5})
    assert fuse({}, {"a": 8.0}) == pytest.approx({"a": 1.0})
    assert fuse({}, {}) == {}


def test_fuse_keeps_order_of_negative_scores() -> None:
    fused = fuse({"a": -0.1, "b": -0.5}, {})
    assert fused["a"] >= fused["b"]


@given(scores, scores)
def test_fused_scores_are_between_zero_and_one(
    dense: dict[str, float], sparse: dict[str, float]
) -> None:
    fused = fuse(dense, sparse)
    assert set(fused) == set(dense) | set(sparse)
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in fused.values())


@given(scores, scores)
def test_fuse_is_monotonic_in_both_scores(
    dense: dict[str, float], sparse: dict[str, float]
) -> None:
    fused = fuse(dense, sparse)
    for one in dense.keys() & sparse.keys():
        for other in dense.keys() & sparse.keys():
            if dense[one] >= dense[other] and sparse[one] >= sparse[other]:
                assert fused[one] >= fused[other] - 1e-9


def test_rank_in_single_mode_keeps_raw_scores() -> None:
    ranked = rank(SearchMode.SPARSE, {}, {"a": 3.0, "b": 9.0})
    assert [(r.chunk_id, r.score, r.scores) for r in ranked] == [
        ("b", 9.0, {"sparse": 9.0}),
        ("a", 3.0, {"sparse": 3.0}),
    ]


def test_rank_in_hybrid_mode_reports_score_of_each_retriever() -> None:
    ranked = rank(SearchMode.HYBRID, {"a": 0.9, "b": 0.8}, {"b": 9.0})
    scores_by_chunk = {r.chunk_id: r.scores for r in ranked}
    assert scores_by_chunk == {"a": {"dense": 0.9}, "b": {"dense": 0.8, "sparse": 9.0}}


def test_rank_breaks_ties_by_chunk_id() -> None:
    assert [r.chunk_id for r in rank(SearchMode.DENSE, {"b": 0.5, "a": 0.5}, {})] == ["a", "b"]


def test_best_per_document_keeps_first_candidate() -> None:
    ranked = rank(SearchMode.DENSE, {"a1": 0.9, "a2": 0.8, "b1": 0.7}, {})
    grouped = best_per_document(ranked, {"a1": "a", "a2": "a", "b1": "b"})
    assert [r.chunk_id for r in grouped] == ["a1", "b1"]


def test_search_query_requests_more_candidates_than_limit() -> None:
    assert SearchQuery("x", limit=3).candidates == 100
    assert SearchQuery("x", limit=1000).candidates == 4000
