"""BibTeX and RIS exports, read by the parsers of other programs without errors and warnings."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, cast

import pytest
import rispy
from bibtexparser.entrypoint import parse_string
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pybtex import errors
from pybtex.database import Entry, Person
from pybtex.database.input.bibtex import Parser

from domain.papers import Author, Metadata
from extraction.export.bibtex import bibliography
from extraction.export.escape import printable
from extraction.export.ris import to_ris
from serve_app.zotero.latex import decoded
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.paper_fixtures import PAPER, add_paper

ATTACKS = (
    "}, note = {x",
    "{{{",
    "}}}",
    '"quoted" {',
    "100% of $5 & #1 a_b ^ ~ \\ < > |",
    r"\input{/etc/passwd}",
    "a\\}",
    "{\\'e}",
    "a\n}\n@book{b,",
    "@article{x,",
    "x\r\nTY  - BOOK",
    "TY  - BOOK",
    "x\u2028ER  - \x85TY  - JOUR\x0bAU  - y",
    "ER  - ",
    "and",
    "Ann and Bob, Jr., and others",
    "Smith, Jr., A, B",
    ",",
    "%",
    "深度学习 ß ø 😀",
)
TEXTS = st.sampled_from(ATTACKS) | st.text(min_size=1, max_size=40)
RIS_FIELDS = {
    "type_of_reference", "id", "title", "authors", "year", "doi", "urls", "keywords", "language",
    "abstract",
}  # fmt: skip


def paper_of(text: str, other: str = "Ada") -> Metadata:
    """Returns metadata with the texts in every field."""
    authors = (Author(text), Author(text, other, text), Author(text, text, other))
    return Metadata(text, authors, text, (text, other), text, text, 1999, "en")


def field_of(entry: Entry, name: str) -> str:
    return cast(dict[str, str], entry.fields)[name]


def authors_of(entry: Entry) -> list[Person]:
    return cast(dict[str, list[Person]], entry.persons).get("author", [])


def read_bibtex(written: str) -> list[Entry]:
    """Returns the entries; fails if pybtex or bibtexparser finds an error."""
    with errors.capture() as problems:
        entries = list(Parser().parse_string(written).entries.values())
        names = [author.last_names for entry in entries for author in authors_of(entry)]
    assert (problems, all(names)) == ([], True)
    library = parse_string(written)
    assert (library.failed_blocks, len(library.entries)) == ([], len(entries))
    assert len(library.blocks) == len(entries)  # nothing was taken for a comment
    return entries


def read_ris(written: str) -> dict[str, Any]:
    """Returns the only record; fails if rispy warns or finds an unknown tag."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [record] = rispy.loads(written)
    assert record.keys() <= RIS_FIELDS
    return record


@pytest.mark.parametrize("attack", ATTACKS)
def test_bibtex_of_hostile_text_is_read_without_errors(attack: str) -> None:
    hostile, plain = read_bibtex(bibliography([paper_of(attack), paper_of("Engines")]))
    assert (field_of(hostile, "year"), len(authors_of(hostile))) == ("1999", 3)
    assert decoded(field_of(hostile, "title")) == printable(attack)
    assert field_of(plain, "title") == "Engines"


@pytest.mark.parametrize("attack", ATTACKS)
def test_ris_of_hostile_text_is_read_without_warnings(attack: str) -> None:
    record = read_ris(to_ris(paper_of(attack), attack))
    assert (record["type_of_reference"], record["year"]) == ("JOUR", "1999")
    text = printable(attack)
    assert (record["title"], record["keywords"]) == (text, [text, "Ada"])
    assert record["authors"] == [text, printable(f"{attack}, Ada"), printable(f"Ada, {attack}")]


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
@example("\0", "\ud800")
@example("x", "\0")
@example("\\", "{")
def test_exports_of_any_text_are_read(text: str, other: str) -> None:
    paper = paper_of(text, other)
    [entry] = read_bibtex(bibliography([paper]))
    assert (field_of(entry, "year"), len(authors_of(entry))) == ("1999", 3)
    record = read_ris(to_ris(paper, text))
    assert (record["year"], len(record["authors"])) == ("1999", 3)


async def test_exports_of_a_collection_are_read(library: Library) -> None:
    for number, attack in enumerate(("Engines", ATTACKS[0], ATTACKS[-8])):
        paper = replace(PAPER, metadata=replace(paper_of(attack), doi=f"10.1000/{number}"))
        await add_paper(library, paper, content=pdf(attack))
    ris = (await library.get("/collections/default/export?format=ris")).text
    records = rispy.loads(ris)
    assert [record["doi"] for record in records] == ["10.1000/2", "10.1000/1", "10.1000/0"]
    entries = read_bibtex((await library.get("/collections/default/export?format=bibtex")).text)
    assert [field_of(one, "doi") for one in entries] == [record["doi"] for record in records]


def test_unescaped_text_would_be_noticed() -> None:
    with pytest.raises(Exception, match=r"syntax error|premature"):
        read_bibtex("@misc{a,\n  title = {{x},\n}\n")
    with pytest.raises(AssertionError):
        read_bibtex("@misc{a,\n  title = {x},\n}\n@misc{a,\n  title = {y},\n}\n")
    with pytest.raises(ValueError, match="values to unpack"):
        read_ris("TY  - GEN\nTI  - x\nER  - \n\nTY  - BOOK\nER  - \n")
