"""Title, authors and abstract of whole files, read with the tables that the rules find."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.papers import Paper
from extraction.options import ExtractOptions, OcrEngine
from extraction.steps import read_text
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import BOLD, ITALIC, LOREM, ROMAN
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


Printed = tuple[str, float, str]  # text, type size, font
AUTHORS = ["Jane Doe^{1}, John Roe^{2} and Li Wei^{1}"]


def article(
    title: Sequence[Printed],
    above: Sequence[Printed] = (),
    authors: Sequence[Printed] = ((AUTHORS[0], 11, BOLD),),
    label: float = 11,
) -> FrontPage:
    """Prints the lines above the title, the title, its authors, an abstract and two columns."""
    page = FrontPage()
    for text, size, font in above:
        page.line(text, size, font)
    page.gap(20)
    for text, size, font in title:
        page.centre(text, size, font)
    page.gap(8)
    for text, size, font in authors:
        page.centre(text, size, font)
    page.centre("Department of Botany, University of Oslo, 12345 Oslo, Norway", 9, ITALIC)
    page.gap(10)
    page.line("ABSTRACT", label, BOLD)
    page.paragraph(ABSTRACT)
    page.body(heading="INTRODUCTION")
    return page


MASTHEADS: dict[str, list[Printed]] = {
    "journal of three nouns": [("Basil Research, Development and Therapy", 20, BOLD)],
    "journal and volume": [("Annals of Basil", 24, BOLD), ("Vol. 3, No. 2, 2015", 9, ROMAN)],
    "journal and its motto": [
        ("BASIL SCIENCE", 26, BOLD),
        ("An Open Access Peer Reviewed Quarterly", 9, ROMAN),
    ],
    "kind of article": [("ORIGINAL ARTICLE", 16, BOLD)],
    "field and kind": [("Basic Research—Biology", 16, BOLD)],
}


@pytest.mark.parametrize("above", MASTHEADS.values(), ids=MASTHEADS)
def test_title_stands_above_authors_and_is_smaller_than_masthead(
    above: list[Printed], tmp_path: Path
) -> None:
    page = article([(TITLE, 13, BOLD)], above)
    assert_front(read(page.to_pdf(), tmp_path), PEOPLE[:3])


TITLES: dict[str, list[Printed]] = {
    "one word": [("Basil", 18, BOLD)],
    "one long word": [("Photosynthesis", 14, BOLD)],
    "size of headings": [(TITLE, 12, ROMAN)],
    "size of authors": [(TITLE, 11, BOLD)],
    "smaller than authors": [(TITLE.upper(), 10, BOLD)],
    "subtitle": [("Lipids in Rats:", 20, BOLD), ("Seven Weeks With Holy Basil", 15, BOLD)],
    "three lines": [
        ("Lipids in Rats Fed With Holy Basil", 16, BOLD),
        ("Leaves: A Randomized Study of the", 16, BOLD),
        ("Water Extract and of Its Eugenol", 16, BOLD),
    ],
}


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_title_of_any_size_and_length(title: list[Printed], tmp_path: Path) -> None:
    paper = read(article(title).to_pdf(), tmp_path)
    assert_front(paper, PEOPLE[:3], " ".join(text for text, _, _ in title))


def test_title_is_smaller_than_label_of_abstract(tmp_path: Path) -> None:
    page = article([(TITLE, 12, BOLD)], label=17)
    assert_front(read(page.to_pdf(), tmp_path), PEOPLE[:3])


def test_title_above_names_with_orcid_is_no_masthead(tmp_path: Path) -> None:
    people = " ".join(
        f"{name} https://orcid.org/0000-000{number}-1825-0097"
        for number, name in enumerate(PEOPLE[:2])
    )
    page = article([(TITLE, 16, BOLD)], authors=[(people, 9, ROMAN)])
    assert_front(read(page.to_pdf(), tmp_path), PEOPLE[:2])


def test_title_words_that_are_set_wide_apart_are_one_line(tmp_path: Path) -> None:
    page = article([])
    page.first()
    x = 60.0
    for word in TITLE.split():
        x = page.put(x, 55, word, 18, BOLD) + 22
    assert_front(read(page.to_pdf(), tmp_path), PEOPLE[:3])


def test_title_below_name_of_journal_in_three_lines_and_authors_in_side_column(
    tmp_path: Path,
) -> None:
    page = FrontPage()
    for text in ("Drug", "Design, Development", "and Therapy"):
        page.line(text, 14, BOLD)
    page.put(480, 45, "Dovepress", 16, BOLD)
    page.gap(20)
    page.put(60, page.y, "Open Access Full Text Article", 7, ROMAN)
    page.put(450, page.y, "ORIGINAL RESEARCH", 12, BOLD)
    page.gap(30)
    page.line(TITLE, 13, BOLD)
    page.gap(20)
    top = page.y
    people = [name for name in PEOPLE if name != "Li Wei"]
    for name in people:
        page.line(f"{name.upper()}^{{1,2}}", 11, BOLD)
    for address in ("^{1}Department of Botany,", "University of Oslo,", "Oslo, Norway;"):
        page.line(address, 8)
    page.y = top
    page.paragraph(ABSTRACT, 9.5, x=215, width=340, lead="Abstract:")
    page.gap(30)
    page.body(9)
    assert_front(read(page.to_pdf(), tmp_path), people)


def test_title_page_of_computing_conference(tmp_path: Path) -> None:
    page = FrontPage()
    page.y = 50
    page.centre(TITLE, 17.2, BOLD)
    page.gap(14)
    print_in_columns(page, PEOPLE[:3], (130, 306, 482))
    top = page.y
    page.line("ABSTRACT", 11, BOLD)
    page.paragraph(ABSTRACT, 9, width=240)
    page.gap(8)
    page.line("CCS CONCEPTS", 11, BOLD)
    page.paragraph("• Applied computing → Life sciences; Bioinformatics.", 9, width=240)
    page.gap(8)
    page.line("KEYWORDS", 11, BOLD)
    page.paragraph("holy basil, lipids, rats, gas chromatography, aqueous extract", 9, width=240)
    page.gap(8)
    page.line("ACM Reference Format:", 9, BOLD)
    page.paragraph(
        f"Jane Doe, John Roe, and Li Wei. 2019. {TITLE}. In Basil Days (BD). ACM, 10 pages.",
        8,
        width=240,
    )
    page.y = top
    page.line("1 INTRODUCTION", 11, BOLD, 318)
    while page.y < 690:
        page.paragraph(LOREM, 9, ROMAN, 318, 240)
    paper = read(page.to_pdf(), tmp_path)
    assert_front(paper, PEOPLE[:3])
    keywords = ("holy basil", "lipids", "rats", "gas chromatography", "aqueous extract")
    assert paper.metadata.keywords == keywords
    assert (paper.metadata.year, paper.metadata.evidence["year"].source) == (2019, "citation")


CITED = "Doe, J., Roe, J. and Wei, L. (2015) Lipids in Rats. Basil Research, 4 (2), pp. 11-19."
COVERS: dict[str, list[Printed]] = {
    "repository copy": [
        (f"This is a repository copy of {TITLE}.", 16, BOLD),
        ("Version: Accepted Version", 12, ROMAN),
        (CITED, 11, ROMAN),
        ("Reuse", 12, BOLD),
        ("Items deposited here are protected by copyright, with all rights reserved.", 10, ROMAN),
    ],
    "open archive": [
        ("HAL Id: hal-01234567", 11, ROMAN),
        ("Submitted on 4 Mar 2020", 11, ROMAN),
        (TITLE, 20, BOLD),
        ("Jane Doe, John Roe, Li Wei", 13, ROMAN),
        ("To cite this version:", 11, BOLD),
        (CITED, 10, ROMAN),
    ],
    "journal archive": [
        (TITLE, 16, BOLD),
        ("Author(s): Jane Doe, John Roe and Li Wei", 11, ROMAN),
        ("Source: The Journal of Basil, Vol. 4, No. 2 (2015), pp. 11-19", 11, ROMAN),
        ("Stable URL: http://www.example.org/stable/1234567", 11, ROMAN),
    ],
    "network of researchers": [
        (
            "See discussions, stats, and author profiles for this publication at: https://x.org",
            8,
            "",
        ),
        (TITLE, 18, BOLD),
        ("Article in Basil Research · March 2015", 9, ROMAN),
        ("3 authors, including:", 10, BOLD),
        ("Jane Doe", 10, BOLD),
        ("University of Oslo", 9, ROMAN),
    ],
    "licence": [
        ("Terms of Use", 20, BOLD),
        ("This article was downloaded from the digital repository of the University.", 11, ROMAN),
        ("Permission is granted to copy this work for personal study only.", 11, ROMAN),
    ],
    "spanish": [
        ("Sistema de Información Científica", 11, ROMAN),
        ("Doe, Jane; Roe, John; Wei, Li", 11, ROMAN),
        (TITLE, 14, BOLD),
        ("Basil Research, vol. 4, núm. 2, 2015, pp. 11-19", 11, ROMAN),
        ("Página de la revista en redalyc.org", 11, ROMAN),
    ],
    "german": [
        ("Nutzungsbedingungen", 18, BOLD),
        ("Repositorium der Universität. Akzeptierte Version, 12. März 2015.", 11, ROMAN),
        ("Die Nutzung ist für Forschung und Lehre erlaubt.", 11, ROMAN),
    ],
    "title without a known phrase": [
        ("Repozytorium Uniwersytetu Przyrodniczego", 22, BOLD),
        ("Lipids in Rats Fed", 12, ROMAN),
        ("With Holy Basil Leaves", 12, ROMAN),
        ("Jane Doe, John Roe, Li Wei", 12, ROMAN),
        ("Pobrano 4.03.2015 z repozytorium", 10, ROMAN),
    ],
    "repository's name": [
        ("Open Research Online", 26, BOLD),
        ("The University's repository of research publications and other outputs", 11, ROMAN),
        (TITLE, 14, BOLD),
        ("How to cite:", 11, BOLD),
        (CITED, 11, ROMAN),
    ],
}


@pytest.mark.parametrize("cover", COVERS.values(), ids=COVERS)
def test_front_matter_is_read_behind_cover_sheet(cover: list[Printed], tmp_path: Path) -> None:
    page = FrontPage()
    for text, size, font in cover:
        page.line(text, size, font or ROMAN)
        page.gap(8)
    data = with_pages(
        page, article([(TITLE, 16, BOLD)], [("Basil Res. 2014; 4(2): 11-19", 8, ROMAN)])
    )
    paper = read(data, tmp_path)
    assert_front(paper, PEOPLE[:3])
    assert paper.metadata.year == 2014


def test_year_of_cover_sheet_counts_if_paper_prints_none(tmp_path: Path) -> None:
    page = FrontPage()
    page.line("This is a repository copy of a paper.", 16, BOLD)
    page.gap()
    page.line("Published in 2015 by the Basil Society", 11)
    found = read(with_pages(page, article([(TITLE, 16, BOLD)])), tmp_path).metadata
    assert (found.year, found.evidence["year"].source) == (2015, "cover sheet: published")
    assert found.evidence["year"].confidence < 0.8


def test_first_page_that_mentions_repositories_is_no_cover_sheet(tmp_path: Path) -> None:
    page = article([("What Readers of Repositories Want", 16, BOLD)])
    page.first()
    page.y = 740
    page.line("Downloaded from the institutional repository; accepted manuscript.", 7)
    assert_front(read(page.to_pdf(), tmp_path), PEOPLE[:3], "What Readers of Repositories Want")


def with_pages(first: FrontPage, more: FrontPage) -> bytes:
    document = pymupdf.open(stream=first.to_pdf(), filetype="pdf")
    document.insert_pdf(pymupdf.open(stream=more.to_pdf(), filetype="pdf"))
    return document.tobytes()


@pytest.mark.parametrize("turn", [90, 270])
@pytest.mark.parametrize("only_first", [True, False])
def test_title_page_that_is_stored_sideways(turn: int, only_first: bool, tmp_path: Path) -> None:
    source = pymupdf.open(stream=article([(TITLE, 16, BOLD)]).to_pdf(), filetype="pdf")
    turned = pymupdf.open()
    for number in range(source.page_count):
        is_turned = number == 0 or not only_first
        page = (
            turned.new_page(width=792, height=612) if is_turned else turned.new_page(-1, 612, 792)
        )
        page.show_pdf_page(page.rect, source, number, rotate=turn if is_turned else 0)
    assert_front(read(turned.tobytes(), tmp_path), PEOPLE[:3])
