"""Authors: names in the formats of many publishers are returned in order, without their marks."""

from __future__ import annotations

import pytest

from extraction.person_names import as_author, recased
from tests.pdf_builder.canvas import BOLD, ITALIC, ROMAN
from tests.pdf_builder.front_pages import ABSTRACT, FrontPage, families, names, simple

LINES = {
    "plain": (["Jane Doe and John Roe"], ["Jane Doe", "John Roe"]),
    "one": (["Jane Doe"], ["Jane Doe"]),
    "raised marks": (
        ["Jane Doe^{1,2,*}, John A. Roe^{†}, and Li Wei^{2}"],
        ["Jane Doe", "John A. Roe", "Li Wei"],
    ),
    "raised letters": (
        ["Jane Doe^{a,b} John Roe^{a} Li Wei^{b,*}"],
        ["Jane Doe", "John Roe", "Li Wei"],
    ),
    "marks on the line": (
        ["Jane Doe1, John Roe1,2, Ann Poe 3* and Li Wei†"],
        ["Jane Doe", "John Roe", "Ann Poe", "Li Wei"],
    ),
    "degrees": (
        ["Jane Doe, MD, PhD^{1}, John Roe PhD, Dr. Ann Poe and Prof. Li Wei, M.Sc."],
        ["Jane Doe", "John Roe", "Ann Poe", "Li Wei"],
    ),
    "members": (
        ["Jane Doe, Student Member, IEEE, John Roe, Fellow, IEEE, and Li Wei"],
        ["Jane Doe", "John Roe", "Li Wei"],
    ),
    "degrees of many kinds": (
        ["Jane Doe, MBBS, FRCS(Ed), John Roe, BSc (Hons), CEng, MIMechE, Li Wei, FACP, FCCP"],
        ["Jane Doe", "John Roe", "Li Wei"],
    ),
    "degrees without commas": (
        ["Jane Doe PhD MD FRCS^{1}, John Roe MBBS MRCS FRCA^{2}, Li Wei MB ChB MRCPCH^{1}"],
        ["Jane Doe", "John Roe", "Li Wei"],
    ),
    "unknown letters after names": (
        ["Jane Doe, RN, PhD, FAAN; John Roe, DNB, MCh; Li Wei, CPsychol, RD, LMFT"],
        ["Jane Doe", "John Roe", "Li Wei"],
    ),
    "forms of address": (
        ["Er. Jane Doe1, Prof. (Dr.) John Roe2, Miss Li Wei3, Smt. Ann Poe"],
        ["Jane Doe", "John Roe", "Li Wei", "Ann Poe"],
    ),
    "positions": (
        ["Jane Doe, Professor, John Roe, Associate Professor, Li Wei, Research Scholar"],
        ["Jane Doe", "John Roe", "Li Wei"],
    ),
    "joined initials": (
        ["S.Vijayalakshmi,V.Arunkumar and M.K.Khosla"],
        ["S. Vijayalakshmi", "V. Arunkumar", "M.K. Khosla"],
    ),
    "joined initials in capitals": (
        ["S.VIJAYALAKSHMI*1,V.ARUNKUMAR2 AND M.K.KHOSLA3"],
        ["S. Vijayalakshmi", "V. Arunkumar", "M.K. Khosla"],
    ),
    "one in capitals": (["M.K.KHOSLA"], ["M.K. Khosla"]),
    "family first in capitals": (
        ["MILLER Jane, ROE John and DE SOUZA Ana"],
        ["Jane Miller", "John Roe", "Ana de Souza"],
    ),
    "family first with initials": (
        ["Doe, J.; Roe, J.A.; Wei, L."],
        ["J. Doe", "J.A. Roe", "L. Wei"],
    ),
    "form of address joined to initials": (
        ["Dr.S.Vijayalakshmi^{*1}, Prof.V.Arunkumar^{2}"],
        ["S. Vijayalakshmi", "V. Arunkumar"],
    ),
    "numbers before names": (
        ["1S. Vijayalakshmi, 2Varun Kumar, 3M. K. Khosla"],
        ["S. Vijayalakshmi", "Varun Kumar", "M. K. Khosla"],
    ),
    "names that begin with initials in the next row": (
        ["By S. Vijayalakshmi, V. Arunkumar", "M. K. Khosla"],
        ["S. Vijayalakshmi", "V. Arunkumar", "M. K. Khosla"],
    ),
    "several spaces": (
        ["Jane Doe       John Roe       Li Wei"],
        ["Jane Doe", "John Roe", "Li Wei"],
    ),
    "Greek letters": (["Jane Doe α, John Roe σ & Li Wei^{ρ}"], ["Jane Doe", "John Roe", "Li Wei"]),
    "e-mails in angle brackets": (
        ["Jane Doe <jane@uio.no>, John Roe <john@uio.no>"],
        ["Jane Doe", "John Roe"],
    ),
    "dots": (["Jane Doe · John Roe · Li Wei"], ["Jane Doe", "John Roe", "Li Wei"]),
    "bars": (["Jane Doe^{1} | John Roe^{2} | Li Wei^{1,2}"], ["Jane Doe", "John Roe", "Li Wei"]),
    "ampersand": (["T. N. Kipf & M. Welling"], ["T. N. Kipf", "M. Welling"]),
    "capitals": (
        ["JANE DOE, JOHN MARTIN AND VINCENT VAN DER BERG"],
        ["Jane Doe", "John Martin", "Vincent van der Berg"],
    ),
    "one a line": (["Jane Doe", "John Roe", "Li Wei"], ["Jane Doe", "John Roe", "Li Wei"]),
    "broken name": (
        [
            "Jane Doe^{1,2}, Elizabeth Anne Montgomery^{1}, Christopher Robinson^{3}, Maria",
            "Garcia Lopez^{1} and Li Wei^{2}",
        ],
        [
            "Jane Doe",
            "Elizabeth Anne Montgomery",
            "Christopher Robinson",
            "Maria Garcia Lopez",
            "Li Wei",
        ],
    ),
    "suffix": (
        ["John Roe, Jr., Kenneth Martin III and Li Wei"],
        ["John Roe Jr.", "Kenneth Martin III", "Li Wei"],
    ),
    "with address": (["Jane Doe, Department of Physics, University of Oslo, Norway"], ["Jane Doe"]),
    "with email": (["Jane Doe jane@uio.no", "John Roe john@uio.no"], ["Jane Doe", "John Roe"]),
    "in brackets": (
        ["Jane Doe (Oslo), John Roe [2] and Li Wei (B)"],
        ["Jane Doe", "John Roe", "Li Wei"],
    ),
    "orcid": (
        ["Jane Doe (0000-0001-2345-6789), John RoeID^{1}, Li Wei iD"],
        ["Jane Doe", "John Roe", "Li Wei"],
    ),
    "by": (["By Jane Doe and John Roe"], ["Jane Doe", "John Roe"]),
    "family first": (["Doe, Jane; Roe, John B."], ["Jane Doe", "John B. Roe"]),
    "accents": (
        ["Đặng Thị Hương^{1}, Piotr Drożdżyński^{2}, Søren Ångström^{2}, Jérôme L’Évêque"],
        ["Đặng Thị Hương", "Piotr Drożdżyński", "Søren Ångström", "Jérôme L’Évêque"],
    ),
    "one word": (["Suharto^{1}, Budi Santoso^{2}"], ["Suharto", "Budi Santoso"]),
    "group": (
        ["Jane Doe^{1}, John Roe^{2} on behalf of the BASIL Study Group"],
        ["Jane Doe", "John Roe", "BASIL Study Group"],
    ),
}


@pytest.mark.parametrize("lines, wanted", LINES.values(), ids=LINES)
def test_authors_are_split_and_stripped_of_marks(lines: list[str], wanted: list[str]) -> None:
    assert names(simple(lines).front()) == wanted


PARTS = {
    "Jane Doe": ("Jane", "Doe"),
    "Vincent van der Berg": ("Vincent", "van der Berg"),
    "Leonardo de la Roca": ("Leonardo", "de la Roca"),
    "Julien Le Sommer": ("Julien", "Le Sommer"),
    "J. R. R. Tolkien": ("J. R. R.", "Tolkien"),
    "Doe, Jane B.": ("Jane B.", "Doe"),
    "Kusindarta DL": ("DL", "Kusindarta"),
    "V Balaji": ("V", "Balaji"),
    "Americo Cunha Jr": ("Americo", "Cunha"),
    "Suharto": (None, "Suharto"),
    "王小明": ("小明", "王"),
    "王, 小明": ("小明", "王"),
    "ATLAS Collaboration": (None, None),
}


@pytest.mark.parametrize("name, wanted", PARTS.items())
def test_author_name_is_split_into_given_and_family_name(
    name: str, wanted: tuple[str, str]
) -> None:
    author = as_author(name)
    assert (author.given, author.family) == wanted


def test_author_names_in_capitals_are_recased() -> None:
    assert recased("J. P. O'NEIL-SMITH") == "J. P. O'Neil-Smith"


def test_authors_have_emails_at_the_ends_of_their_rows() -> None:
    """The layout of JMLR; the marks of a name may make its row count as light type."""
    page = FrontPage()
    page.centre("Learning From Rats and Holy Basil", 14, BOLD)
    page.gap()
    people = {"Jane Doe^{a}": "JANE@UIO.NO", "John Roe": "JOHN@UIO.NO", "Li Wei": "LI@X.ORG"}
    for name, email in people.items():
        page.line(name, 10.9, ROMAN if "^" in name else BOLD)
        page.put(440, page.y, email, 8)
    page.line("University of Oslo, Norway", 10, ITALIC)
    page.gap()
    page.centre("Abstract", 12, BOLD)
    page.paragraph(ABSTRACT)
    page.body(columns=1)
    assert names(page.front()) == ["Jane Doe", "John Roe", "Li Wei"]


def test_authors_in_columns_with_addresses_between() -> None:
    page = FrontPage()
    page.centre("Learning From Rats and Holy Basil", 24)
    for row in (("Jane Doe", "John Roe", "Li Wei"), ("Ann Poe", "Bob Lee")):
        page.gap(8)
        top = page.y
        for column, name in enumerate(row):
            page.y, middle = top, 130 + 175 * column
            page.centre(name, 11, middle=middle)
            page.centre("Dept. of Computer Science", 10, ITALIC, middle)
            page.centre("Oslo, Norway", 10, middle=middle)
            page.centre(f"{name.split()[0].lower()}@uio.no", 10, middle=middle)
    page.gap()
    page.paragraph(ABSTRACT, 9, BOLD, width=235, lead="Abstract—")
    page.body(heading="I. INTRODUCTION")
    assert names(page.front()) == ["Jane Doe", "John Roe", "Li Wei", "Ann Poe", "Bob Lee"]


def test_authors_exclude_affiliations_of_two_words_in_columns() -> None:
    page = FrontPage()
    page.centre("Learning From Rats and Holy Basil", 14, BOLD)
    page.gap(12)
    top = page.y
    people = {"Jane Doe": "Carnegie Mellon", "John Roe": "Princeton Optics", "Li Wei": "Element AI"}
    for column, (name, affiliation) in enumerate(people.items()):
        page.y, middle = top, 130 + 175 * column
        page.centre(name, 10, BOLD, middle)
        page.centre(affiliation, 10, middle=middle)
        page.centre(f"{name.split()[0].lower()}@uio.no", 10, middle=middle)
    page.gap()
    page.paragraph(ABSTRACT, 9, BOLD, width=235, lead="Abstract—")
    page.body(heading="I. INTRODUCTION")
    assert names(page.front()) == list(people)


def test_authors_one_per_line_beside_abstract() -> None:
    """The layout of Dove; the journal's name above the title is no author."""
    page = FrontPage()
    page.line("Basil Research, Development and Therapy", 9)
    page.gap(16)
    page.line("Lipids in Rats Fed With Holy Basil Leaves", 18, BOLD)
    page.gap()
    top = page.y
    wanted = ["Jane Doe", "John A. Roe", "Ann Poe", "Li Wei", "Max Mustermann"]
    for name in wanted:
        page.line(f"{name}^{{1}}", 9, BOLD)
    page.gap(4)
    page.line("^{1}Department of Botany,", 8)
    page.line("University of Oslo, Norway", 8)
    page.y = top
    page.paragraph(ABSTRACT * 2, 9, x=215, width=340, lead="Abstract:")
    page.gap(30)
    page.body(9)
    assert names(page.front()) == wanted


def test_authors_exclude_editors_and_keywords_in_side_bar() -> None:
    page = FrontPage()
    page.y = 100
    page.line("Lipids in rats fed with basil", 18, BOLD, x=200)
    page.line("Jane Doe^{1*}, John Roe^{2}", 10, BOLD, x=200)
    page.line("^{1} University of Oslo, Norway, ^{2} MIT, USA", 8, x=200)
    page.paragraph(ABSTRACT, x=200, width=360)
    page.y = 90
    for line in ("Edited by:", "Paul Smith,", "Ohio, USA", "Mary Major", "Peter Minor"):
        page.line(line, 7, x=40)
    page.y = 330
    page.line("Introduction", 12, BOLD, x=200)
    page.paragraph(ABSTRACT * 3, x=200, width=360)
    assert names(page.front()) == ["Jane Doe", "John Roe"]


def test_authors_exclude_abstract_and_addresses() -> None:
    page = simple(["Jane Doe and John Roe", "New Delhi, India", "Google Research, San Francisco"])
    assert names(page.front()) == ["Jane Doe", "John Roe"]


def test_authors_exclude_subtitle() -> None:
    page = FrontPage()
    page.gap(30)
    page.line("Lipids and Society", 20, BOLD)
    page.line("Rats Around Us", 14)
    page.gap(20)
    for name in ("Jane Doe", "John van der Roe"):
        page.line(name, 11, BOLD)
        page.line("London School of Economics, UK", 10)
        page.gap(6)
    page.line("Abstract", 10, BOLD)
    page.paragraph(ABSTRACT, 9)
    page.body(columns=1)
    assert names(page.front()) == ["Jane Doe", "John van der Roe"]


def test_authors_are_empty_without_names() -> None:
    assert names(simple([]).front()) == []
    assert names(simple([]).front({"author": "Compaq Customer"})) == []


def test_authors_confidence_rises_with_matching_file_metadata() -> None:
    page = simple(["Jane Doe^{1} and John Roe^{2}"])
    alone = page.front().metadata.evidence["authors"].confidence
    assert (
        page.front({"author": "Jane Doe, John Roe"}).metadata.evidence["authors"].confidence > alone
    )
    assert page.front({"author": "Some Typist"}).metadata.evidence["authors"].confidence == alone
    assert names(page.front({"author": "Jane Doe"})) == ["Jane Doe", "John Roe"]


def creators(*who: str) -> str:
    items = "".join(f"<rdf:li>{name}</rdf:li>" for name in who)
    return f"<dc:creator><rdf:Seq>{items}</rdf:Seq></dc:creator>"


def test_authors_use_family_names_of_file_metadata() -> None:
    xmp = creators("Garcia Lopez, Maria", "Wei, Li")
    page = simple(["Maria Garcia Lopez^{1} and Li Wei^{2}"])
    assert families(page.front()) == ["Lopez", "Wei"]
    assert families(page.front({"xmp": xmp})) == ["Garcia Lopez", "Wei"]


def test_authors_ignore_unprinted_names_of_file_metadata() -> None:
    xmp = creators("Ann Other", "Bob Wrong")
    assert names(simple(["Jane Doe and John Roe"]).front({"xmp": xmp})) == ["Jane Doe", "John Roe"]
