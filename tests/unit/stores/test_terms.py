"""Text analysis: terms of a text and highlights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.milvus.terms import highlights, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The flows were flowing", ["flow", "flow"]),
        ("Boundary-layer theory", ["boundari", "layer", "theori"]),
        ("Schrödinger's ÉTUDE", ["schroding", "etud"]),
        ("e\u0301tude", ["etud"]),
        ("co\u00admputation", ["comput"]),
        ("ﬁeld ＦＩＥＬＤ", ["field", "field"]),
        ("TNF-α at 0.05 µM", ["tnf", "α", "0", "05", "μm"]),
        ("snake_case", ["snake", "case"]),
        ("深度学习", ["深", "度", "学", "习"]),
        ("what is it", []),
        ("", []),
        ("?!", []),
    ],
)
def test_terms_splits_and_normalizes_words(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_highlights_match_words_by_stem() -> None:
    text = "Flows of air; the boundary-layer flow. Überflow"
    ranges = highlights("flowing in boundaries", text)
    assert [text[start:end] for start, end in ranges] == ["Flows", "boundary", "flow"]


def test_highlight_offsets_refer_to_original_text() -> None:
    text = "𝛼 ﬁelds e\u0301tudes"
    assert [text[a:b] for a, b in highlights("field étude", text)] == ["ﬁelds", "e\u0301tudes"]


def test_stop_word_query_highlights_nothing() -> None:
    assert highlights("what is the", "what is the matter") == []


@given(st.text(), st.text())
def test_highlight_ranges_are_ordered_for_any_text(query: str, text: str) -> None:
    last = 0
    for start, end in highlights(query + " " + text, text):
        assert last <= start < end <= len(text)
        last = end


def test_terms_are_thread_safe() -> None:
    words = [f"relational{i}izations flowing boundaries" for i in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(terms, words)) == [terms(word) for word in words]
