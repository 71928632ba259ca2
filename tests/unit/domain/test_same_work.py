"""Which papers are copies of one work, which are versions of it, and which are neither."""

from __future__ import annotations

from typing import Any

import pytest

from domain.papers import Author, Evidence, Metadata
from domain.same_work import (
    MAX_CANDIDATES,
    Work,
    group_copies,
    is_same_work,
    is_version,
    links_of,
)

TITLE = "Migration of terns along the western coast"
AUTHORS = ("Ada Ødegård", "Boris Lundqvist")
OTHERS = ("Carla Nunes",)
PAPER: dict[str, Any] = {"title": TITLE, "authors": AUTHORS, "year": 2018}


def work(name: str = "a", collection: str = "birds", **fields: Any) -> Work:
    """Returns a work whose authors are given as names."""
    authors = tuple(Author(one, family=one.split()[-1]) for one in fields.pop("authors", ()))
    return Work.of(name, collection, Metadata(authors=authors, **fields))


def relation(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Returns how two papers are related, which is the same in both directions."""
    pair = work("a", **PAPER | one), work("b", **PAPER | other)
    same, version = is_same_work(*pair), is_version(*pair)
    assert (same, version) == (is_same_work(*pair[::-1]), is_version(*pair[::-1]))
    assert not (same and version)
    return "same" if same else "version" if version else "none"


FILE = {"evidence": {"year": Evidence("file creation", 0.3)}, "abstract": "Terns were counted."}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({**FILE, "year": 2021}, {"abstract": "Terns were counted."}),
        ({**FILE, "year": 2021}, {**FILE, "year": 2022}),
        ({}, {"title": "Migration of Terns along the Western Coast."}),
        ({}, {"authors": ("A. Odegard", "B. Lundqvist")}),
        ({}, {"authors": ("A. Odegard",)}),
        ({"doi": "10.1/terns"}, {}),
        ({"doi": "10.1/TERNS"}, {"doi": "10.1/terns", "year": 2021}),
        ({"doi": "10.1/terns"}, {"doi": "10.1/terns", "authors": (), "year": None}),
        ({"doi": "10.1/terns"}, {"doi": "10.1/terns", "title": None, "year": None}),
        (
            {"doi": "10.1/terns"},
            {"doi": "10.1/terns", "title": "Migration of tems along the western coast"},
        ),
        ({"arxiv_id": "1706.03762"}, {"arxiv_id": "1706.03762v2", "year": 2019}),
        (
            {"arxiv_id": "1706.03762"},
            {"arxiv_id": "1706.03762", "title": "How terns find their way home"},
        ),
        ({"arxiv_id": "1706.03762"}, {"doi": "10.48550/arXiv.1706.03762", "year": 2019}),
        (
            {"title": "Editorial", "doi": "10.1/ed"},
            {"title": "Editorial", "doi": "10.1/ed", "year": None},
        ),
        ({"year": None, "abstract": "Terns fly."}, {"year": 2018, "abstract": "Terns  fly."}),
    ],
)
def test_copies_of_one_work(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert relation(one, other) == "same"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"arxiv_id": "1706.03762"}, {"doi": "10.1/terns"}),
        ({"arxiv_id": "1706.03762", "year": 2017}, {"doi": "10.1/terns"}),
        ({"doi": "10.1101/2017.1", "year": 2017}, {"doi": "10.1/terns"}),
        ({"arxiv_id": "1706.03762", "year": None}, {"year": None}),
        ({"doi": "10.1/terns"}, {"doi": "10.1/terns.s1"}),
        ({}, {"year": None}),
        ({"year": None}, {"year": None}),
    ],
)
def test_versions_of_one_work(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert relation(one, other) == "version"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"year": 2019}),  # a report that appears every year
        ({}, {"authors": OTHERS}),
        ({}, {"authors": ()}),
        ({"title": TITLE + ", part I"}, {"title": TITLE + ", part II"}),
        ({"title": "Editorial"}, {"title": "Editorial"}),
        ({"title": "Letter to the Editor"}, {"title": "Letter to the Editor"}),
        ({"title": "Book review"}, {"title": "Book review"}),
        ({"title": None}, {"title": None}),
    ],
)
def test_papers_without_identifiers_that_stay_apart(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert relation(one, other) == "none"


@pytest.mark.parametrize(
    ("title", "authors"),
    [
        ("Nesting of gulls on northern cliffs", OTHERS),  # the DOI of a volume or of a journal
        ("Nesting of gulls on northern cliffs", AUTHORS),
        (f"Comment on “{TITLE}”", OTHERS),
        (f"Reply to the comment on “{TITLE}”", AUTHORS),
        (f"Erratum: {TITLE}", AUTHORS),
        (f"Erratum to “{TITLE}”", AUTHORS),
        (f"Corrigendum to: {TITLE}", AUTHORS),
        (f"Supplementary material for {TITLE}", AUTHORS),
        (f"{TITLE}: Supporting Information", AUTHORS),
        (f"{TITLE} (Supplement)", AUTHORS),
        (f"{TITLE} [Erratum]", AUTHORS),
        (TITLE + ", part 2", AUTHORS),
    ],
)
def test_papers_under_one_doi_that_stay_apart(title: str, authors: tuple[str, ...]) -> None:
    shared = {"doi": "10.1/volume"}
    assert relation(shared, shared | {"title": title, "authors": authors}) == "none"


def test_parts_under_one_doi_stay_apart() -> None:
    for one, other in (("part I", "part II"), ("part 1", "part 2"), ("III: theory", "IV: theory")):
        titles = [{"title": f"{TITLE}, {part}", "doi": "10.1/volume"} for part in (one, other)]
        assert relation(*titles) == "none"


def test_works_of_two_collections_are_not_linked() -> None:
    assert not is_same_work(work("a", **PAPER), work("b", "fish", **PAPER))
    assert not is_version(work("a", **PAPER), work("b", "fish", **PAPER, arxiv_id="1706.03762"))


def test_links_are_ordered_and_without_the_document_itself() -> None:
    one = work("b", **PAPER, doi="10.1/terns")
    others = [work(name, **PAPER, doi="10.1/terns") for name in "cab"]
    preprint = work("p", **dict[str, Any](PAPER, year=2017), arxiv_id="1706.03762")
    found = links_of(one, [*others, preprint, preprint])
    assert (found.same_work_as, found.related) == (("a", "c"), ("p",))


def test_copies_are_grouped_under_the_first_of_them() -> None:
    works = [
        work("c", **PAPER, doi="10.1/terns"),
        work("other", **PAPER | {"title": "Nesting of gulls on northern cliffs"}),
        work("a", **PAPER),
        work("b", doi="10.1/terns", title=TITLE),
    ]
    assert group_copies(works) == {"c": "c", "other": "other", "a": "c", "b": "c"}


def test_shared_wrong_doi_does_not_slow_down_the_grouping() -> None:
    works = [
        work(str(number), title=f"{number} {TITLE}", doi="10.1/volume")
        for number in range(3 * MAX_CANDIDATES)
    ]
    assert len(set(group_copies(works).values())) == len(works)
