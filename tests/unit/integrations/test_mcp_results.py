"""Pages of a section, and the grid of a table."""

from __future__ import annotations

import pytest

from domain.papers import Cell, TableSource
from integrations.mcp_results import PAGE_CHARACTERS, SectionPage, TableContent
from integrations.section_texts import SectionText
from serve_app.schemas.core import Rectangle
from serve_app.schemas.papers import Table

BOX = Rectangle(page=1, x0=0, y0=0, x1=10, y1=10)


def section(text: str) -> SectionText:
    return SectionText(1, "1 Methods", 1, 1, text, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "word " * PAGE_CHARACTERS,
        "x" * (3 * PAGE_CHARACTERS + 1),
        "line\n" * PAGE_CHARACTERS,
        "y" * PAGE_CHARACTERS,
    ],
)
def test_pages_of_section_contain_the_whole_text(text: str) -> None:
    pages, offset = list[SectionPage](), 0
    while offset is not None:
        pages.append(SectionPage.starting_at(offset, section(text)))
        offset = pages[-1].next_offset
    assert "".join(page.text for page in pages) == text
    assert all(len(page.text) <= PAGE_CHARACTERS for page in pages)
    assert {page.characters for page in pages} == {len(text)}


def test_page_of_section_ends_with_a_word() -> None:
    page = SectionPage.starting_at(0, section("sample " * PAGE_CHARACTERS))
    assert page.text.endswith("sample ")


def test_offset_beyond_section_gives_empty_page() -> None:
    page = SectionPage.starting_at(100, section("short"))
    assert (page.text, page.next_offset) == ("", None)


def test_table_with_spans_has_rows_of_equal_length() -> None:
    heads = [Cell("Site", rowspan=2, header=True), Cell("Count", colspan=2, header=True)]
    years = [Cell("2001", header=True), Cell("2002", header=True)]
    table = Table(
        number=1,
        page=1,
        box=BOX,
        boxes=[BOX],
        rows=[list(heads), list(years), ["North", "-1", "2"]],
        markdown="",
        source=TableSource.RULED,
    )
    content = TableContent.of(table)
    assert content.header == [["Site", "Count", ""], ["", "2001", "2002"]]
    assert content.rows == [["North", "-1", "2"]]
