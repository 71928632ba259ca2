"""Export of papers as Markdown, BibTeX and CSL-JSON."""

from __future__ import annotations

import json
import re

import pytest
import rispy

from domain.papers import (
    Author,
    Block,
    BlockKind,
    Box,
    Cell,
    Figure,
    Metadata,
    PageSize,
    Paper,
    Reference,
    Section,
    SectionRole,
    Table,
    TableSource,
)
from extraction.export.bibtex import bibliography, cite_key, to_bibtex
from extraction.export.csl import to_csl
from extraction.export.markdown import to_markdown
from extraction.export.ris import to_ris

ADA = Author("Ada Lovelace", "Ada", "Lovelace")
GROUP = Author("ATLAS Collaboration")
METADATA = Metadata(
    "Notes on the Analytical Engine and DNA",
    (ADA, GROUP),
    "We describe an engine.",
    ("engines", "notes"),
    "10.1000/x_1",
    "1706.03762",
    1843,
    "en",
)


def box(page: int = 1, y: float = 0.0) -> Box:
    return Box(page, 0, y, 100, y + 10)


def block(kind: BlockKind, text: str, section: int | None = None, page: int = 1) -> Block:
    return Block(kind, text, (box(page, 500),), section)


SECTIONS = (
    Section(0, 1, None, "Abstract", 1, box(), SectionRole.ABSTRACT),
    Section(1, 1, "1", "Introduction", 1, box()),
    Section(2, 2, "1.1", "Aims", 1, box()),
    Section(3, 1, None, "References", 2, box(2), SectionRole.REFERENCES),
)
TABLE = Table(
    1,
    "Table 1",
    "Wheels by engine",
    (Box(1, 0, 200, 100, 300),),
    ((Cell("Engine", header=True), Cell("Wheels", header=True)), (Cell("A"), Cell("40"))),
    TableSource.RULED,
)
BLOCKS = (
    block(BlockKind.TEXT, METADATA.title or ""),
    block(BlockKind.HEADING, "Abstract", 0),
    block(BlockKind.TEXT, "We describe an engine.", 0),
    block(BlockKind.ASIDE, "Received 1 May 1843", 0),
    block(BlockKind.HEADING, "1 Introduction", 1),
    block(BlockKind.TEXT, "The engine has wheels.", 1),
    Block(BlockKind.TEXT, "Engine Wheels A 40", (Box(1, 10, 210, 90, 290),), 1),
    block(BlockKind.CAPTION, "Table 1 Wheels by engine", 1),
    block(BlockKind.FOOTNOTE, "1 Paid by nobody.", 1),
    block(BlockKind.HEADING, "1.1 Aims", 2),
    block(BlockKind.CAPTION, "Fig. 1 The engine", 2),
    block(BlockKind.EQUATION, "a = b + c", 2),
    block(BlockKind.CODE, "while ``` do\n  turn", 2),
    block(BlockKind.HEADING, "References", 3, 2),
    block(BlockKind.REFERENCE, "[1] C. Babbage, 1822.", 3, 2),
    block(BlockKind.REFERENCE, "[2] L. Menabrea, 1842.", 3, 2),
)
PAPER = Paper(
    METADATA.title,
    (PageSize(1, 600, 800), PageSize(2, 600, 800)),
    BLOCKS,
    SECTIONS,
    (Reference(0, "[1] C. Babbage, 1822.", 2), Reference(1, "[2] L. Menabrea, 1842.", 2)),
    METADATA,
    (TABLE,),
    (Figure(1, "Fig. 1", "The engine", Box(1, 0, 400, 100, 450)),),
)


def test_markdown_export_keeps_reading_order() -> None:
    assert to_markdown(PAPER) == "\n\n".join(
        [
            "# Notes on the Analytical Engine and DNA",
            "Ada Lovelace, ATLAS Collaboration",
            "## Abstract",
            "We describe an engine.",
            "## 1 Introduction",
            "The engine has wheels.",
            "<em>Table 1 Wheels by engine</em>",
            "| Engine | Wheels |\n| --- | --- |\n| A | 40 |",
            "### 1.1 Aims",
            "<em>Fig. 1 The engine</em>",
            "```\na = b + c\n```",
            "````\nwhile ``` do\nturn\n````",
            "## References",
            "- \\[1\\] C. Babbage, 1822.\n- \\[2\\] L. Menabrea, 1842.",
            "## Notes",
            "- 1 Paid by nobody.\n",
        ]
    )


def test_markdown_export_includes_uncaptioned_tables_and_figures() -> None:
    blocks = tuple(one for one in BLOCKS if one.kind is not BlockKind.CAPTION)
    written = to_markdown(Paper(None, PAPER.pages, blocks, SECTIONS, (), METADATA, (TABLE,)))
    assert written.index("The engine has wheels.") < written.index("| A | 40 |")
    assert written.count("| A | 40 |") == 1


REPEATED = "The engine weaves algebraic patterns as the loom weaves flowers and leaves of silk."
HYPHENATED = (
    "The engine weaves alge-  braic patterns as the loom\u2010 weaves flowers and leaves of silk"
)


@pytest.mark.parametrize("kind", [BlockKind.TEXT, BlockKind.ABSTRACT, BlockKind.FOOTNOTE])
@pytest.mark.parametrize("text", [REPEATED, HYPHENATED, f"Abstract\u2014{REPEATED}"])
@pytest.mark.parametrize("heading", [None, "Abstract", "Summary", "Ada Lovelace"])
def test_markdown_export_prints_the_abstract_once(
    kind: BlockKind, text: str, heading: str | None
) -> None:
    role = SectionRole.ABSTRACT if heading == "Abstract" else SectionRole.BODY
    sections = (Section(0, 1, None, heading, 1, box(), role),) if heading else ()
    section = 0 if heading else None
    blocks = [block(BlockKind.HEADING, heading, 0)] if heading else []
    blocks += [block(kind, text, section), block(BlockKind.TEXT, "The engine has wheels.", section)]
    metadata = Metadata(abstract=f"{REPEATED} We describe it.")
    written = to_markdown(Paper(None, (), tuple(blocks), sections, (), metadata))
    assert written.count("braic patterns") == 1
    assert written.count("Summary") == (heading == "Summary" and kind is not BlockKind.ABSTRACT)
    assert "Abstract\u2014" not in written
    assert ("has wheels" in written) is (heading != "Abstract")


def test_markdown_export_keeps_what_a_block_adds_to_the_abstract() -> None:
    first = block(BlockKind.ABSTRACT, f"Received in May. Abstract: {REPEATED}")
    last = REPEATED.replace("engine", "second machine")
    second = block(BlockKind.ABSTRACT, f"{last} Keywords: engines; looms")
    metadata = Metadata(abstract=f"{REPEATED} {last}")
    written = to_markdown(Paper(None, (), (first, second), (), (), metadata))
    assert written == (
        f"## Abstract\n\n{REPEATED} {last}\n\nReceived in May.\n\nKeywords: engines; looms\n"
    )


def test_markdown_export_keeps_later_paragraphs_that_repeat_the_abstract() -> None:
    titles = enumerate(("Introduction", "Summary"))
    sections = tuple(Section(number, 1, None, title, 1, box()) for number, title in titles)
    blocks = (block(BlockKind.HEADING, "Summary", 1), block(BlockKind.TEXT, REPEATED, 1))
    written = to_markdown(Paper(None, (), blocks, sections, (), Metadata(abstract=REPEATED)))
    assert written.count(REPEATED) == 2


def test_markdown_export_of_empty_paper_is_empty() -> None:
    assert to_markdown(Paper(None, (), ())).strip() == ""


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "![x](http://evil/x.png)",
        "# not a heading",
        "- not a list",
        "1. not a list",
        "> not a quote",
        "`code` *bold* _it_ ~~no~~ $x$",
        "a\n\n# b",
        "&lt;",
    ],
)
@pytest.mark.parametrize("kind", [BlockKind.TEXT, BlockKind.CAPTION, BlockKind.HEADING])
def test_markdown_export_escapes_markup(attack: str, kind: BlockKind) -> None:
    written = to_markdown(Paper(None, (), (block(kind, attack),))).strip()
    body = written.removeprefix("## ").removeprefix("<em>").removesuffix("</em>")
    assert "<" not in body and ">" not in body and "\n" not in body
    if kind is not BlockKind.CAPTION:  # inside the tag it is HTML, and escaped as such
        assert not re.match(r"(?:#|-|\d+\.|>)\s", body)
        assert not re.search(r"(?<!\\)[\[\]`*_~$]", body)


def test_bibtex_export_writes_all_fields() -> None:
    assert to_bibtex(METADATA) == (
        "@misc{lovelace1843notes,\n"
        "  title = {Notes on the Analytical Engine and {DNA}},\n"
        "  author = {Lovelace, Ada and {ATLAS Collaboration}},\n"
        "  year = {1843},\n"
        "  doi = {10.1000/x_1},\n"
        "  eprint = {1706.03762},\n"
        "  archiveprefix = {arXiv},\n"
        "  keywords = {engines, notes},\n"
        "  abstract = {We describe an engine.},\n"
        "}\n"
    )


def test_bibtex_export_omits_unknown_fields() -> None:
    assert to_bibtex(Metadata()) == "@misc{anonnd,\n}\n"


@pytest.mark.parametrize(
    "attack",
    [
        "}, note = {x",
        "100% & $5 #1 a_b ^ ~",
        r"\input{/etc/passwd}",
        "{{{",
        "}}}",
        "a\n}\n@book{b,",
    ],
)
def test_bibtex_export_escapes_fields(attack: str) -> None:
    author = Author(attack, attack, attack)
    written = to_bibtex(
        Metadata(attack, (author,), attack, (attack,), attack, attack, 1999), attack
    )
    depth = 0
    for char in written:
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"^@", written, re.MULTILINE)) == 1
    assert len(re.findall(r"^  \w+ = \{.*\},$", written, re.MULTILINE)) == 8
    for line in written.splitlines():
        if not line.startswith(("  doi", "  eprint")):  # percent-encoded instead
            assert not re.search(r"(?<!\\)[%&#$]", line)
    assert r"\input" not in written


def test_bibtex_export_protects_names_with_comma_or_and() -> None:
    authors = (Author("x", "Ann and Bob", "Smith"), Author("y", "C.", "Jones, Jr"))
    assert "{{Ann and Bob}}" not in to_bibtex(Metadata(authors=authors))
    assert "author = {Smith, {Ann and Bob} and {Jones, Jr}, C.}" in to_bibtex(
        Metadata(authors=authors)
    )


@pytest.mark.parametrize(
    ("metadata", "key"),
    [
        (METADATA, "lovelace1843notes"),
        (Metadata("On the Die Größe of it", (Author("x", "J.", "Müßig"),), year=2001), None),
        (Metadata("深度学习", (Author("李"),), year=2001), "anon2001"),
        (Metadata(), "anonnd"),
    ],
)
def test_cite_key_is_ascii(metadata: Metadata, key: str | None) -> None:
    assert cite_key(metadata) == (key or "mussig2001grosse")


def test_bibliography_keys_are_unique() -> None:
    tricky = Metadata("Notesa", (ADA,), year=1843)
    written = bibliography([METADATA, tricky, METADATA, Metadata(), *[METADATA] * 30])
    keys = re.findall(r"^@misc\{(.*),$", written, re.MULTILINE)
    assert len(keys) == len(set(keys)) == 34
    assert keys[:4] == ["lovelace1843notesb", "lovelace1843notesa", "lovelace1843notesc", "anonnd"]
    assert keys[-1] == "lovelace1843notesag"
    assert bibliography([]) == ""


def test_csl_export_writes_all_fields() -> None:
    item = to_csl(METADATA, "doc-1", url="https://x.org/1")
    assert item == {
        "id": "doc-1",
        "type": "article-journal",
        "title": "Notes on the Analytical Engine and DNA",
        "author": [{"family": "Lovelace", "given": "Ada"}, {"literal": "ATLAS Collaboration"}],
        "issued": {"date-parts": [[1843]]},
        "DOI": "10.1000/x_1",
        "URL": "https://x.org/1",
        "abstract": "We describe an engine.",
        "keyword": "engines, notes",
        "language": "en",
        "archive": "arXiv",
        "archive_location": "1706.03762",
    }
    assert json.loads(json.dumps(item)) == item


def test_venue_decides_the_type_of_exports() -> None:
    journal = Metadata("On Engines", venue="Notes & Queries")
    assert to_bibtex(journal).startswith(
        "@article{"
    ) and "journal = {Notes \\& Queries}" in to_bibtex(journal)
    item = to_csl(journal, "a")
    assert (item["type"], item["container-title"]) == ("article-journal", "Notes & Queries")
    [record] = rispy.loads(to_ris(journal, "a"))
    assert (record["type_of_reference"], record["secondary_title"]) == ("JOUR", "Notes & Queries")
    meeting = Metadata("On Engines", venue="Proceedings of the 3rd Conference on Engines")
    assert to_bibtex(meeting).startswith("@inproceedings{") and "booktitle" in to_bibtex(meeting)
    assert to_csl(meeting, "a")["type"] == "paper-conference"
    assert to_ris(meeting, "a").startswith("TY  - CPAPER")
    archive = Metadata("On Engines", venue="Proceedings of Machine Learning Research")
    assert to_csl(archive, "a")["type"] == "article-journal"


def test_csl_export_type_follows_metadata() -> None:
    assert to_csl(Metadata(arxiv_id="1706.03762"), "a")["type"] == "article"
    assert to_csl(Metadata(), "a") == {"id": "a", "type": "document"}


def test_ris_export_is_read_by_another_program() -> None:
    [record] = rispy.loads(to_ris(METADATA, "lovelace1843notes"))
    assert record == {
        "type_of_reference": "JOUR",
        "id": "lovelace1843notes",
        "title": METADATA.title,
        "authors": ["Lovelace, Ada", GROUP.name],
        "year": "1843",
        "doi": "10.1000/x_1",
        "urls": ["https://arxiv.org/abs/1706.03762"],
        "keywords": ["engines", "notes"],
        "language": "en",
        "abstract": "We describe an engine.",
    }


def test_ris_export_keeps_hostile_text_in_its_field() -> None:
    hostile = Metadata("A title\nER  - \nTY  - JOUR", (Author("x\r\nAU  - y"),))
    [record] = rispy.loads(to_ris(hostile, "key\nTY  - BOOK"))
    assert (record["type_of_reference"], record["id"]) == ("GEN", "key TY - BOOK")
    assert record["title"] == "A title ER - TY - JOUR"
    assert record["authors"] == ["x AU - y"]


def test_ris_export_of_empty_metadata_is_a_record() -> None:
    assert to_ris(Metadata(), "anon") == "TY  - GEN\nID  - anon\nER  - \n"
