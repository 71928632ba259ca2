"""Matching of bibliography entries to papers of the library."""

from __future__ import annotations

import pytest

from domain.papers import Author, Reference
from extraction.citations.match import match_key, matches, normalize_title

SMITH = Author("Smith, J.", "J.", "Smith")
JONES = Author("Kate Jones", "Kate", "Jones")
TITLE = "Green synthesis of silver nanoparticles from leaves"


def entry(title: str | None = TITLE, **parts) -> Reference:
    parts = {"authors": (SMITH,), "year": 2010} | parts
    return Reference(0, "raw", 1, title=title, **parts)


def cites(reference: Reference, title: str | None = TITLE, **parts) -> bool:
    known = {"authors": [SMITH], "year": 2010, "doi": None, "arxiv_id": None} | parts
    return matches(reference, title, **known)


def test_citation_match_by_equal_identifiers() -> None:
    assert cites(entry(None, doi="10.1000/x"), None, doi="https://doi.org/10.1000/X")
    assert cites(entry(None, arxiv_id="1706.03762"), None, arxiv_id="1706.03762v5")
    assert cites(entry(None, doi="10.48550/arxiv.1706.03762"), None, arxiv_id="1706.03762")


def test_citation_match_rejects_different_dois_except_preprint_or_truncated() -> None:
    assert not cites(entry(doi="10.1000/x"), doi="10.1000/y")
    assert cites(entry(doi="10.1101/x"), doi="10.1000/y")
    assert cites(entry(doi="10.1007/s0025"), doi="10.1007/s00253-012-4641-8")


@pytest.mark.parametrize(
    "printed",
    [
        "Green Synthesis of Silver Nano-particles from Leaves.",
        "green synthesis of silver nano particles from leaves",
        "GREEN SYNTHESIS OF SILVER NANOPARTICLES FROM LEAVES",
        "Green synthesis of silver nanopartides from leaves",
        "Gréen synthesis of silver nanoparticles from leaves",
    ],
)
def test_citation_match_compares_normalized_titles(printed: str) -> None:
    assert cites(entry(printed))


def test_citation_match_accepts_missing_subtitle() -> None:
    assert cites(entry(), TITLE + ": a systematic review of the literature since 1990")
    assert not cites(entry("Deep learning"), "Deep learning: a survey of the field", year=2010)


@pytest.mark.parametrize("other", [2009, 2010, 2011, None])
def test_citation_match_accepts_year_off_by_one(other: int | None) -> None:
    assert cites(entry(), year=other)


def test_citation_match_rejects_other_year_author_or_number() -> None:
    assert not cites(entry(), year=2015)
    assert not cites(entry(), authors=[JONES])
    assert not cites(entry(TITLE + " part 1"), TITLE + " part 2")
    assert not cites(entry(TITLE + " II"), TITLE + " III")


def test_citation_match_without_author_needs_near_equal_title() -> None:
    assert cites(entry(authors=()))
    assert not cites(entry(TITLE + " of trees", authors=()))


@pytest.mark.parametrize("title", ["Introduction", "Editorial", "Deep learning", "Book review"])
def test_citation_match_short_title_needs_year_and_author(title: str) -> None:
    assert cites(entry(title), title)
    assert not cites(entry(title), title, year=None)
    assert not cites(entry(title), title, authors=[])
    assert not cites(entry(title, year=2009), title, year=2015)


def test_citation_match_without_fields_is_false() -> None:
    assert not cites(entry(None), None)
    assert not cites(entry(), None)


def test_match_key_is_equal_for_equal_titles() -> None:
    keys = {
        match_key(title, year, None)
        for title, year in (
            (TITLE, 2010),
            ("Green Synthesis of Silver Nano-particles from Leaves", 2011),
            (TITLE + ": a review", None),
            ("The " + TITLE.lower() + "?", 2010),
        )
    }
    assert keys == {"greensynthesisofsilvernanoparticlesfromleaves"}


def test_match_key_of_short_title_needs_author_and_year() -> None:
    assert match_key("Editorial", 2010, None) is None
    assert match_key("Editorial", None, SMITH) is None
    assert match_key(None, 2010, SMITH) is None
    assert match_key("Editorial", 2010, SMITH) == "editorial|smith|2010"
    assert match_key("Editorial", 2010, SMITH) != match_key("Editorial", 2011, SMITH)


def test_normalize_title_keeps_letters_of_all_scripts() -> None:
    assert normalize_title("深度学习：综述") == "深度学习 综述"
    assert normalize_title(None) == ""
