"""Title, authors and abstract of whole files, read with the tables that the rules find."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.papers import Paper
from extraction.options import ExtractOptions, OcrEngine
from extraction.steps import read_text
from tests.pdf_builder.canvas import BOLD, LOREM, ROMAN
from tests.pdf_builder.front_pages import ABSTRACT, FrontPage

TITLE = "Lipids in Rats Fed With Holy Basil Leaves"
PEOPLE = ["Jane Doe", "John Roe", "Li Wei", "Ann Poe", "Robert Lee"]


def read(data: bytes, folder: Path) -> Paper:
    path = folder / "paper.pdf"
    path.write_bytes(data)
    return read_text(path, ExtractOptions(ocr=OcrEngine.OFF)).paper


def assert_front(paper: Paper, people: Sequence[str], title: str = TITLE) -> None:
    found = paper.metadata
    assert paper.title == title
    assert [author.name for author in found.authors] == list(people)
    assert found.abstract == ABSTRACT.strip()


def print_in_columns(
    page: FrontPage, people: Sequence[str], middles: Sequence[float], email: bool = True
) -> None:
    """Prints authors side by side, each with an address below."""
    top = low = page.y
    for name, middle in zip(people, middles, strict=True):
        page.y = top
        page.centre(name, 10, BOLD, middle)
        page.centre("Dept. of Computer Science", 10, ROMAN, middle)
        page.centre("University of Oslo", 10, ROMAN, middle)
        if email:
            page.centre(f"{name.split()[0].lower()}@uio.no", 10, ROMAN, middle)
        low = max(low, page.y)
    page.y = low + 12


def print_two_columns(page: FrontPage) -> None:
    """Prints the abstract in the left column, and the text in both."""
    top = page.y
    page.gap(10)
    page.centre("Abstract", 12, BOLD, 180)
    page.gap(8)
    page.paragraph(ABSTRACT, 10, ROMAN, 80, 195)
    page.gap(14)
    page.line("1 INTRODUCTION", 12, BOLD)
    page.gap(4)
    for x in (60, 315):
        while page.y < 690:
            page.paragraph(LOREM, 10, ROMAN, x, 235)
        page.y = top


COLUMNS = {
    "two": (PEOPLE[:2], [(180, 432)]),
    "three": (PEOPLE[:3], [(130, 306, 482)]),
    "four": (PEOPLE[:4], [(110, 240, 370, 500)]),
    "two by two": (PEOPLE[:4], [(180, 432), (180, 432)]),
    "three and two": (PEOPLE, [(130, 306, 482), (216, 396)]),
}


@pytest.mark.parametrize("email", [True, False])
@pytest.mark.parametrize("people, rows", COLUMNS.values(), ids=COLUMNS)
def test_title_between_rules_above_columns_of_authors_is_no_table(
    people: list[str], rows: list[tuple[float, ...]], email: bool, tmp_path: Path
) -> None:
    page = FrontPage()
    page.y = 76
    page.rule(60, 550, 70, 4)
    page.centre("Lipids in Rats Fed", 14.3, BOLD)
    page.centre("With Holy Basil Leaves", 14.3, BOLD)
    page.rule(60, 550, page.y + 12, 1)
    page.gap(32)
    left = list(people)
    for middles in rows:
        print_in_columns(page, [left.pop(0) for _ in middles], middles, email)
    page.rule(60, 550, page.y, 1)
    print_two_columns(page)
    assert_front(read(page.to_pdf(), tmp_path), people)
