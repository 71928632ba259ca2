"""Batches by padded tokens, the order of results, and the fake encoder of other tests."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.encoder import cut_batches, embed_batches
from tests.fakes.fake_encoder import FakeEncoder

TEXTS = ["a long text about wings and wakes", "short", "two words", "wings"]
Batches = list[list[int]]


def in_turn(batches: Batches) -> Iterator[np.ndarray]:
    return (FakeEncoder().encode([TEXTS[i] for i in batch]) for batch in batches)


def test_embed_batches_keeps_order():
    vectors = embed_batches([7, 1, 2, 1], in_turn, batch_tokens=4)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, FakeEncoder().encode(TEXTS))


def test_embed_batches_without_texts_is_empty():
    assert embed_batches([], in_turn, batch_tokens=4).shape == (0, 0)


def test_embed_batches_passes_all_batches_and_reports_progress():
    handed: list[Batches] = []
    done: list[int] = []

    def encode(batches: Batches) -> list[np.ndarray]:
        handed.append(batches)
        return [np.ones((len(batch), 4), dtype=np.float32) for batch in batches]

    embed_batches([2] * 5, encode, batch_tokens=4, on_batch=done.append)
    assert handed == [[[0, 1], [2, 3], [4]]]
    assert done == [2, 4, 5]


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 2000))
def test_cut_batches_holds_each_text_once_within_budget(counts: list[int], budget: int):
    batches = cut_batches(counts, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(counts)))
    for batch in batches:
        assert len(batch) == 1 or max(counts[i] for i in batch) * len(batch) <= budget


@given(st.lists(st.integers(1, 300), min_size=1, max_size=60))
def test_cut_batches_groups_texts_of_similar_length(counts: list[int]):
    lengths = [counts[i] for batch in cut_batches(counts, 512) for i in batch]
    assert lengths == sorted(counts, reverse=True)


def test_cut_batches_isolates_text_over_budget():
    assert cut_batches([5000, 10, 10], 4096) == [[0], [1, 2]]


def test_embed_batches_rejects_wrong_number_of_vectors():
    with pytest.raises(ValueError, match="2 texts went into the encoder, 1 vectors"):
        embed_batches([1, 1], lambda batches: [np.ones((1, 4))], batch_tokens=4)
    with pytest.raises(ValueError):
        embed_batches([1, 1], lambda batches: [], batch_tokens=4)


def test_fake_encoder_ranks_similar_texts_higher():
    encoder = FakeEncoder(dimension=256)
    first, same, other = encoder.encode(
        ["lift of a thin wing", "the lift of the wing", "protein folding in yeast cells"]
    )
    assert first @ same > 0.5 > first @ other


def test_fake_encoder_is_deterministic_with_unit_vectors():
    texts = ["", "!!", "A word", "ünïcode Ωmega"]
    vectors = FakeEncoder().encode(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(vectors, FakeEncoder().encode_queries(texts))
    assert FakeEncoder().encode([]).shape == (0, 64)
