"""Text analysis: terms of a text and highlights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.milvus.terms import (
    COMPOUND_WEIGHT,
    has_phrase,
    has_word,
    highlights,
    ignored_words,
    phrase_terms,
    query_weights,
    terms,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The flows were flowing", ["flow", "flow"]),
        ("Boundary-layer theory", ["boundari", "layer", "theori"]),
        ("Schrödinger's ÉTUDE", ["schroding", "schroeding", "etud"]),
        ("e\u0301tude", ["etud"]),
        ("co\u00admputation", ["comput"]),
        ("ﬁeld ＦＩＥＬＤ", ["field", "field"]),
        ("TNF-α at 0.05 µM", ["tnf", "alpha", "tnfalpha", "0", "05", "um"]),
        ("p-53 and IL‑6", ["p", "53", "p53", "il", "6", "il6"]),
        ("non-linear", ["non", "linear", "nonlinear"]),
        ("on-line", ["line", "onlin"]),
        ("pages 1990-2000", ["page", "1990", "2000"]),
        ("microRNA", ["microrna", "micro", "rna"]),
        ("mRNA, PhD", ["mrna", "phd"]),
        ("Ødegård, Łukasz", ["odegard", "odegaard", "oedegaard", "lukasz"]),
        ("H2SO4", ["h2so4"]),
        ("influenza A virus; factor V", ["influenza", "a", "virus", "factor", "v"]),
        ("A study. A new one of 5 A", ["studi", "new", "one", "5"]),
        ("IT security of the WHO", ["it", "secur", "who"]),
        ("RESULTS AND DISCUSSION", ["result", "discuss"]),
        ("do I know type I", ["know", "type", "i"]),
        ("- a -", []),
        ("snake_case", ["snake", "case"]),
        ("深度学习", ["深", "度", "学", "习"]),
        ("what is it", []),
        ("", []),
        ("?!", []),
    ],
)
def test_terms_splits_and_normalizes_words(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("p53", "the p-53 gene"),
        ("p-53", "the p53 gene"),
        ("TGFbeta", "TGF-β rises"),
        ("TGF-β", "TGFbeta rises"),
        ("tgf beta", "TGFβ rises"),
        ("online", "an on-line course"),
        ("on-line", "an online course"),
        ("microRNA", "a micro RNA"),
        ("micro rna", "a microRNA"),
        ("Odegard", "by Ødegård"),
        ("Ødegård", "by Odegard"),
        ("coenzyme Q10", "coenzyme Q-10"),
        ("influenza A", "Influenza A viruses"),
        ("strasse", "Straße"),
        ("Aarhus", "in Århus"),
        ("Arhus", "in A\u030arhus"),
        ("Århus", "in Aarhus"),
        ("Mueller", "by Müller"),
        ("Müller", "by Mueller"),
        ("Soerensen", "by Sørensen"),
        ("Odegaard", "by Ødegård"),
        ("Goeteborg", "Göteborg"),
        ("NFkB", "NF-κB is active"),
        ("TNFa", "TNF-α at 5 ng"),
        ("TGFb1", "TGF-β1 rises"),
        ("IL-1b", "IL-1β rises"),
        ("IFN-g", "IFN-γ rises"),
    ],
)
def test_query_finds_other_spellings(query: str, text: str) -> None:
    rare = set(query_weights(query)) - {"tgf", "coenzym", "influenza", "il", "ifn"}
    assert rare & set(terms(text))
    assert highlights(query, text)


def test_query_counts_compounds_of_plain_words_less() -> None:
    weights = query_weights("non-linear IL-6 tgf beta")
    assert weights["nonlinear"] == weights["tgfbeta"] == COMPOUND_WEIGHT
    assert weights["linear"] == weights["il6"] == 1
    assert query_weights("what is it") == {}
    assert query_weights("flow flows")["flow"] == 2


def test_abbreviations_are_no_greek_letters() -> None:
    for query in ("RNAs", "MHz", "pKa", "DNA", "IDs", "the TB"):
        assert not any(name in term for term in query_weights(query) for name in ("alpha", "kappa"))
    assert set(query_weights("PCRs")) == {"pcrs"}


def test_ignored_words_are_stop_words_that_are_no_codes() -> None:
    assert ignored_words("What is the IT of the influenza A") == ["What", "is", "the", "of"]


def test_phrase_and_word_of_a_condition() -> None:
    assert has_phrase("The Trapped‑Ions cool", "trapped ions")
    assert not has_phrase("ions are trapped", "trapped ions")
    assert has_word("neural networks", "network") and not has_word("nets", "network")
    assert has_word("what it is", "it is") and has_word("the p-53", "p-53")


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


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("spin echo", "The Spin-Echo of it"),
        ("the role of TGF-β", "The role of TGF-β in cells"),
        ("factor V Leiden", "a factor V Leiden carrier"),
        ("Łódź", "in ŁÓDŹ"),
        ("to be", "to be or not to be"),
    ],
)
def test_text_with_a_phrase_has_its_terms(phrase: str, text: str) -> None:
    assert has_phrase(text, phrase)
    assert phrase_terms(phrase) <= set(terms(text))


@given(st.lists(st.sampled_from(["A", "the", "p53", "TGF-β", "micro", "RNA", "IT", "Łódź"])))
def test_every_text_has_the_terms_of_its_phrases(found: list[str]) -> None:
    text = " ".join(found)
    for start in range(len(found)):
        assert phrase_terms(" ".join(found[start : start + 3])) <= set(terms(text))
