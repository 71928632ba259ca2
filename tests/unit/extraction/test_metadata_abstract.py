"""Abstract and keywords: where they begin and end, with and without a label."""

from __future__ import annotations

import pytest

from tests.pdf_builder.canvas import BOLD, BOLD_ITALIC, ITALIC, LOREM
from tests.pdf_builder.front_pages import ABSTRACT, FrontPage, simple

WANTED = " ".join(ABSTRACT.split())


def front_page() -> FrontPage:
    page = FrontPage()
    page.gap(30)
    page.line("Lipids in Rats Fed With Holy Basil", 18, BOLD)
    page.line("Jane Doe^{1} and John Roe^{2}", 11)
    page.line("^{1} University of Oslo, Norway", 8, ITALIC)
    page.gap(16)
    return page


def test_abstract_is_bounded_by_heading_and_introduction() -> None:
    front = simple(["Jane Doe"]).front()
    assert front.metadata.abstract == WANTED
    assert front.metadata.evidence["abstract"].confidence > 0.9
    assert front.abstract_blocks


@pytest.mark.parametrize("label", ["Abstract:", "Abstract—", "Abstract.", "ABSTRACT", "Abstract -"])
def test_abstract_label_may_run_into_text(label: str) -> None:
    page = front_page()
    page.paragraph(ABSTRACT, 9, lead=label)
    page.gap()
    page.paragraph("basil; rat liver; lipids", 9, lead="Keywords:")
    page.body()
    metadata = page.front().metadata
    assert metadata.abstract == WANTED
    assert metadata.keywords == ("basil", "rat liver", "lipids")


def test_abstract_label_is_found_by_its_type_beside_another_column() -> None:
    """The layout of Springer: in the left of two columns, with a narrow gutter."""
    page = front_page()
    top = page.y
    page.paragraph(ABSTRACT, 9, width=240, lead="Abstract ")
    page.gap()
    page.paragraph("Basil · Lipids · Rats", 9, width=240, lead="Keywords ")
    page.gap()
    page.line("1 Introduction", 12, BOLD)
    while page.y < 700:
        page.paragraph(LOREM, 9, width=240)
    page.y = top
    while page.y < 700:
        page.paragraph(LOREM, 9, x=316, width=240)
    assert page.front().metadata.abstract == WANTED


def test_abstract_in_left_column_ends_at_index_terms() -> None:
    page = front_page()
    top = page.y
    page.paragraph(ABSTRACT, 9, BOLD, width=235, lead="Abstract—")
    page.paragraph("basil, lipids, rats.", 9, BOLD_ITALIC, width=235, lead="Index Terms—")
    page.gap()
    page.line("I. INTRODUCTION", 10, x=130)
    while page.y < 700:
        page.paragraph(LOREM, 10, width=235)
    page.y = top
    while page.y < 700:
        page.paragraph(LOREM, 10, x=315, width=235)
    metadata = page.front().metadata
    assert metadata.abstract == WANTED
    assert metadata.keywords == ("basil", "lipids", "rats")


def test_structured_abstract_includes_its_headings() -> None:
    page = front_page()
    page.line("Abstract", 14, BOLD)
    for part in ("Background:", "Methods:", "Results:", "Conclusions:"):
        page.paragraph(ABSTRACT, 9.5, lead=part)
    page.gap()
    page.body(heading="Introduction")
    abstract = page.front().metadata.abstract or ""
    assert [
        abstract.count(part) for part in ("Background", "Methods", "Results", "Conclusions")
    ] == [1] * 4
    assert "Silver" not in abstract


def test_abstract_is_read_from_its_column_beside_article_info() -> None:
    page = front_page()
    top = page.y
    page.line("A R T I C L E  I N F O", 8)
    page.gap(6)
    page.line("Keywords:", 7, ITALIC)
    for word in ("Holy basil", "Lipids", "Rat liver"):
        page.line(word, 7)
    page.y = top
    page.line("A B S T R A C T", 8, x=215)
    page.gap(6)
    page.paragraph(ABSTRACT, 8, x=215, width=335)
    page.gap(30)
    page.body(9)
    metadata = page.front().metadata
    assert metadata.abstract == WANTED
    assert metadata.keywords == ("Holy basil", "Lipids", "Rat liver")


def test_abstract_without_label_is_found_by_its_type() -> None:
    page = front_page()
    page.paragraph(ABSTRACT, 10, BOLD)
    page.gap(20)
    page.body(heading="")
    metadata = page.front().metadata
    assert metadata.abstract == WANTED
    assert metadata.evidence["abstract"].confidence < 0.9


def test_abstract_is_not_taken_from_body_text() -> None:
    page = front_page()
    page.body(columns=1, heading="1 Introduction")
    front = page.front()
    assert front.metadata.abstract is None
    assert front.abstract_blocks == ()


def test_abstract_without_label_excludes_licences_before_it() -> None:
    page = front_page()
    page.paragraph(
        "Copyright © 2016 Jane Doe and John Roe. This is an open access article distributed "
        "under the Creative Commons Attribution License, which permits unrestricted use, "
        "distribution, and reproduction in any medium, provided the work is properly cited. "
        "All rights that are not given by it stay with the authors of the work.",
        9,
    )
    page.gap()
    page.paragraph(ABSTRACT, 9)
    page.gap()
    page.body(heading="1. Introduction")
    assert page.front().metadata.abstract == WANTED


def test_keywords_may_be_below_their_label() -> None:
    page = front_page()
    page.line("Abstract", 11, BOLD)
    page.paragraph(ABSTRACT, 9)
    page.gap()
    page.line("Keywords", 11, BOLD)
    page.line("basil, lipids, 1,3-butadiene, rat liver", 9)
    page.gap()
    page.body(heading="Introduction")
    assert page.front().metadata.keywords == ("basil", "lipids", "1,3-butadiene", "rat liver")


def test_abstract_ends_at_keywords_below_their_label() -> None:
    page = front_page()
    page.line("Abstract", 11, BOLD)
    page.paragraph(ABSTRACT, 10)
    page.gap()
    page.line("Keywords", 10)
    page.line("basil; lipids", 10)
    page.gap()
    page.body(heading="Introduction")
    metadata = page.front().metadata
    assert (metadata.abstract, metadata.keywords) == (WANTED, ("basil", "lipids"))


def test_keywords_are_empty_without_label() -> None:
    assert simple(["Jane Doe"]).front().metadata.keywords == ()
