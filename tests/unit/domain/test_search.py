"""Score fusion, ranking and grouping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search import SearchMode, SearchQuery, best_per_document, fuse, rank

scores = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 50), max_size=8)


def test_the_best_of_both_sides_has_score_one() -> None:
    assert fuse({"a": 0.9, "b": 0.3}, {"a": 12.0, "c": 3.0})["a"] == pytest.approx(1.0)


def test_a_side_counts_by_its_weight() -> None:
    fused = fuse({"a": 0.8}, {"b": 7.0}, dense_weight=0.7)
    assert fused == pytest.approx({"a": 0.7, "b": 0.3})


def test_an_empty_side_leaves_the_other_whole() -> None:
    assert fuse({"a": 0.8, "b": 0.4}, {}) == pytest.approx({"a": 1.0, "b": 0.5})
    assert fuse({}, {"a": 8.0}) == pytest.approx({"a": 1.0})
    assert fuse({}, {}) == {}


def test_opposite_vectors_do_not_turn_the_order_round() -> None:
    fused = fuse({"a": -0.1, "b": -0.5}, {})
    assert fused["a"] >= fused["b"]


@given(scores, scores)
def test_every_candidate_gets_a_score_between_zero_and_one(
    dense: dict[str, float], sparse: dict[str, float]
) -> None:
    fused = fuse(dense, sparse)
    assert set(fused) == set(dense) | set(sparse)
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in fused.values())


@given(scores, scores)
def test_who_is_better_on_both_sides_is_not_worse_in_all(
    dense: dict[str, float], sparse: dict[str, float]
) -> None:
    fused = fuse(dense, sparse)
    for one in dense.keys() & sparse.keys():
        for other in dense.keys() & sparse.keys():
            if dense[one] >= dense[other] and sparse[one] >= sparse[other]:
                assert fused[one] >= fused[other] - 1e-9


def test_a_one_sided_mode_keeps_the_scores_of_its_side() -> None:
    ranked = rank(SearchMode.SPARSE, {}, {"a": 3.0, "b": 9.0})
    assert [(r.chunk_id, r.score, r.scores) for r in ranked] == [
        ("b", 9.0, {"sparse": 9.0}),
        ("a", 3.0, {"sparse": 3.0}),
    ]


def test_a_hybrid_hit_says_what_each_side_gave_it() -> None:
    ranked = rank(SearchMode.HYBRID, {"a": 0.9, "b": 0.8}, {"b": 9.0})
    scores_by_chunk = {r.chunk_id: r.scores for r in ranked}
    assert scores_by_chunk == {"a": {"dense": 0.9}, "b": {"dense": 0.8, "sparse": 9.0}}


def test_equal_scores_keep_one_order() -> None:
    assert [r.chunk_id for r in rank(SearchMode.DENSE, {"b": 0.5, "a": 0.5}, {})] == ["a", "b"]


def test_grouping_keeps_the_first_of_each_document() -> None:
    ranked = rank(SearchMode.DENSE, {"a1": 0.9, "a2": 0.8, "b1": 0.7}, {})
    grouped = best_per_document(ranked, {"a1": "a", "a2": "a", "b1": "b"})
    assert [r.chunk_id for r in grouped] == ["a1", "b1"]


def test_each_side_is_asked_for_more_than_is_shown() -> None:
    assert SearchQuery("x", limit=3).candidates == 100
    assert SearchQuery("x", limit=1000).candidates == 4000
