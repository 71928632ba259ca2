"""The syntax of queries, section topics, folding, and queries that name a paper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.paper_names import find_arxiv_id, find_doi, is_author
from domain.papers import Author
from domain.query_syntax import ParsedQuery, parse_query
from domain.section_topics import SectionTopic, topics_of
from domain.text_folding import fold


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("light bends", ParsedQuery("light bends")),
        (
            '"exact phrase" -word more',
            ParsedQuery("exact phrase more", ("exact phrase",), ("word",)),
        ),
        ('-"bad phrase" good', ParsedQuery("good", (), ("bad phrase",))),
        ("“curly” «angled»", ParsedQuery("curly angled", ("curly", "angled"))),
        ("state-of-the-art at -40 °C", ParsedQuery("state-of-the-art at -40 °C")),
        ("a - b", ParsedQuery("a - b")),
        ('"no partner', ParsedQuery('"no partner')),
        ("-only -excluded", ParsedQuery("", (), ("only", "excluded"))),
        ('""', ParsedQuery("")),
    ],
)
def test_query_is_parsed(query: str, expected: ParsedQuery) -> None:
    assert parse_query(query) == expected


@given(st.text(max_size=80))
def test_every_word_of_a_query_is_searched_or_excluded(query: str) -> None:
    parsed = parse_query(query)
    kept = "".join((parsed.text, *parsed.excluded))
    assert sorted(filter(str.isalnum, kept)) == sorted(filter(str.isalnum, query))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("3 Methods > 3.2 Data", {SectionTopic.METHODS}),
        ("Results and Discussion", {SectionTopic.RESULTS, SectionTopic.DISCUSSION}),
        ("Introducción", {SectionTopic.INTRODUCTION}),
        ("Related Work", {SectionTopic.RELATED_WORK}),
        ("Attention in the brain", set()),
        (None, set()),
    ],
)
def test_headings_state_topics(path: str | None, expected: set[SectionTopic]) -> None:
    assert topics_of(path) == expected


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ødegård", "odegard"),
        ("Łukasz Đorđe", "lukasz dorde"),
        ("Straße ŒUVRE", "strasse oeuvre"),
        ("ﬁnite co\u00adoperate", "finite cooperate"),
    ],
)
def test_folding_removes_case_accents_and_ligatures(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("query", "doi", "arxiv_id"),
    [
        (" 10.1000/ABC.1 ", "10.1000/abc.1", None),
        ("https://doi.org/10.1000/x", "10.1000/x", None),
        ("doi: 10.1000/x", "10.1000/x", None),
        ("arXiv:1706.03762v5", None, "1706.03762"),
        ("https://arxiv.org/pdf/1706.03762", None, "1706.03762"),
        ("hep-th/9711200", None, "hep-th/9711200"),
        ("light 10.1000/x", None, None),
        ("3.14159", None, None),
    ],
)
def test_identifiers_are_recognised(query: str, doi: str | None, arxiv_id: str | None) -> None:
    assert (find_doi(query), find_arxiv_id(query)) == (doi, arxiv_id)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("odegard", True),
        ("m odegard", True),
        ("martin odegard", True),
        ("martin", False),
        ("odegard p", False),
        ("lovelace odegard", False),
    ],
)
def test_words_name_an_author(words: str, expected: bool) -> None:
    authors = [Author("Ada Lovelace", "Ada", "Lovelace"), Author("Martin Ødegård")]
    assert is_author(words.split(), authors) is expected
