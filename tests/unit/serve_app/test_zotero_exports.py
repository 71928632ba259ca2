"""Exports of Zotero: entries of each format, and the PDFs of entries."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve_app.zotero.attachments import Attachments
from serve_app.zotero.bibtex import read_bibtex
from serve_app.zotero.entries import Entry, InvalidExport
from serve_app.zotero.export import read_export
from serve_app.zotero.file_fields import pdf_paths
from serve_app.zotero.latex import decoded

BIB = r"""
@comment{jabref-meta: databaseType:biblatex;}
@article{lovelace1843,
  title = {{\"U}ber die {Analytical} Engine \& \textit{ihre} Karten},
  author = {Lovelace, Ada and {The Engine Group} and van der Berg, Jan and Smith, Jr., John and others},
  date = {1843-09-01},
  doi = {https://doi.org/10.1000/Notes\_1},
  keywords = {looms, cards \& numbers},
  groups = {Thesis, Thesis/Methods},
  file = {Full Text\: final:files/12/lovelace.pdf:application/pdf;Snapshot:files/13/x.html:text/html}
}
"""  # noqa: E501
ENTRY = Entry(
    key="lovelace1843",
    title="Über die Analytical Engine & ihre Karten",
    authors=("Lovelace, Ada", "The Engine Group", "van der Berg, Jan", "Smith Jr., John"),
    year=1843,
    doi="10.1000/notes_1",
    tags=("looms", "cards & numbers", "Thesis", "Thesis/Methods"),
    files=("files/12/lovelace.pdf",),
)
CREATORS = [
    {"creatorType": "author", "firstName": "Ada", "lastName": "Lovelace"},
    {"creatorType": "author", "name": "The Engine Group"},
    {"creatorType": "author", "firstName": "Jan", "lastName": "van der Berg"},
    {"creatorType": "author", "firstName": "John", "lastName": "Smith Jr."},
    {"creatorType": "editor", "firstName": "Charles", "lastName": "Babbage"},
]
BETTER_BIBTEX = {
    "config": {"id": "36a3b0b5-bad0-4a04-b79b-441c7cef77db"},
    "collections": {
        "AAAA1111": {"key": "AAAA1111", "name": "Thesis", "parent": False, "items": [7]},
        "BBBB2222": {"key": "BBBB2222", "name": "Methods", "parent": "AAAA1111", "items": []},
    },
    "items": [
        {
            "itemType": "journalArticle",
            "itemID": 7,
            "itemKey": "KKKK7777",
            "citationKey": "lovelace1843",
            "title": "Über die <i>Analytical</i> Engine\n& ihre Karten",
            "creators": CREATORS,
            "date": "September 1843",
            "DOI": "10.1000/Notes_1",
            "abstractNote": None,
            "tags": [{"tag": "looms"}, {"tag": "cards & numbers", "type": 1}],
            "collections": ["BBBB2222"],
            "attachments": [
                {"itemType": "attachment", "path": "files/12/lovelace.pdf", "title": "Full Text"},
                {"itemType": "attachment", "path": "files/13/x.html", "contentType": "text/html"},
                {"itemType": "attachment", "title": "a link", "url": "https://example.org"},
            ],
        },
        {"itemType": "note", "itemID": 8, "note": "read this"},
    ],
}
CSL = [
    {
        "id": "http://zotero.org/users/1/items/KKKK7777",
        "citation-key": "lovelace1843",
        "type": "article-journal",
        "title": "Über die Analytical Engine & ihre <i>Karten</i>",
        "author": [
            {"family": "Lovelace", "given": "Ada"},
            {"literal": "The Engine Group"},
            {"family": "Berg", "given": "Jan", "non-dropping-particle": "van der"},
            {"family": "Smith", "given": "John", "suffix": "Jr."},
        ],
        "issued": {"date-parts": [["1843", 9, 1]]},
        "DOI": "10.1000/Notes_1",
        "keyword": "looms, cards & numbers, Thesis, Thesis/Methods",
        "file": "files/12/lovelace.pdf",
        "abstract": None,
    }
]


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [("my.bib", BIB), ("my.json", CSL), ("MY.JSON", BETTER_BIBTEX)],
    ids=["bibtex", "csl", "better_bibtex"],
)
def test_formats_give_the_same_entry(tmp_path: Path, name: str, content: Any) -> None:
    parsed = read_export(write(tmp_path, name, content))
    [entry] = parsed.entries
    assert parsed.problems == ()
    assert entry == replace(ENTRY, tags=entry.tags)
    assert set(entry.tags) == set(ENTRY.tags)


@pytest.mark.parametrize("field", ["", "other.html:text/html", "Link:https://example.org:"])
def test_file_field_without_pdf_has_no_paths(field: str) -> None:
    assert pdf_paths(field) == ()


@pytest.mark.parametrize(
    ("field", "paths"),
    [
        (r"Full Text:files/12/a.pdf:application/pdf", ["files/12/a.pdf"]),
        (r"files/1/a.pdf;files/2/B.PDF", ["files/1/a.pdf", "files/2/B.PDF"]),
        (r"a\; b\: \{c\} \\d.pdf", [r"a; b: {c} \d.pdf"]),
        (r"D:C\:\\papers\\a.pdf:application/pdf", [r"C:\papers\a.pdf"]),
        (r"C:\papers\a.pdf", [r"C:\papers\a.pdf"]),
        (r":a.pdf:PDF; Other:b.pdf:PDF", ["a.pdf", "b.pdf"]),
        ("/data/a.pdf\\", ["/data/a.pdf"]),
    ],
)
def test_file_field_is_split_and_unescaped(field: str, paths: list[str]) -> None:
    assert pdf_paths(field) == tuple(paths)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:;\\{}./ pdf\n", max_size=60))
def test_escaped_path_survives_the_file_field(path: str) -> None:
    path = path.strip() + ".pdf"
    escaped = "".join(f"\\{char}" if char in "\\:;{}" else char for char in path)
    assert pdf_paths(f"Text:{escaped}:application/pdf;x.html") == (path,)


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"{\'E}t{\'e} $\alpha$ 50\% H\textsubscript{2}O", "Été α 50% H2O"),
        (r"\input{/etc/passwd} x", "x"),
        (r"{\verb", r"\verb"),
        ("{" * 5000 + "x", "x"),
        ("a % b\nc", "a % b c"),
        (r"p {\textless} 0.05 \{\vphantom{\}}x\vphantom{\{}\}", "p < 0.05 {x}"),
    ],
)
def test_latex_becomes_text(latex: str, text: str) -> None:
    assert decoded(latex) == text


def test_entries_with_conflicts_are_read_and_broken_ones_reported() -> None:
    parsed = read_bibtex(
        "@article{a, title={One}}\n@article{b, title={Two}, title={Three}}\n"
        "@article{a, title={Again}}\n@article{c, title={Unclosed}\n@article{d, title={Four}}\n"
    )
    titles = {(entry.key, entry.title) for entry in parsed.entries}
    assert titles == {("a", "One"), ("a", "Again"), ("b", "Three"), ("d", "Four")}
    [problem] = parsed.problems
    assert problem.startswith("Line 4: ")


def test_invalid_item_is_reported_and_others_are_read(tmp_path: Path) -> None:
    items = [7, {"id": "a", "title": ["x"]}, {"id": 5, "title": "Five", "issued": {"raw": "1999"}}]
    parsed = read_export(write(tmp_path, "my.json", items))
    assert parsed.entries == (Entry("5", "Five", year=1999),)
    assert [problem.split(" was")[0] for problem in parsed.problems] == ["Item 1", "Item 2"]
    assert "title" in parsed.problems[1]


def test_collections_that_contain_each_other_end(tmp_path: Path) -> None:
    collections = {
        "A": {"name": "One", "parent": "B", "items": ["K"]},
        "B": {"name": "Two", "parent": "A"},
    }
    item = {"itemType": "book", "key": "K", "title": "x", "tags": ["plain"]}
    export = {"collections": collections, "items": [item]}
    [entry] = read_export(write(tmp_path, "my.json", export)).entries
    assert entry.tags == ("plain", "Two/One")


def test_attachment_without_reference_has_no_metadata(tmp_path: Path) -> None:
    item = {"itemType": "attachment", "key": "K", "title": "scan.pdf", "path": "files/1/scan.pdf"}
    [entry] = read_export(write(tmp_path, "my.json", {"items": [item]})).entries
    assert entry == Entry("K", files=("files/1/scan.pdf",))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("my.json", "{", "no export of Zotero"),
        ("my.json", "[" * 100_000, "nested too deeply"),
        ("my.json", "7", "neither a list"),
        ("my.json", '{"items": 7}', "neither a list"),
        ("my.json", '{"items": [], "collections": {"A": 7}}', "no export of Zotero"),
        ("my.json", "9" * 5000, "no export of Zotero"),
        ("my.json", "[]", "no entry"),
        ("my.json", "[7]", "Item 1"),
        ("my.bib", "no BibTeX", "no entry"),
        ("my.bib", "@article{a, title={", "Line 1"),
        ("my.bib", "", "no entry"),
        ("my.ris", "TY  - JOUR", "neither in .json nor in .bib"),
    ],
)
def test_malformed_export_is_refused_with_its_name(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    with pytest.raises(InvalidExport, match=reason) as raised:
        read_export(write(tmp_path, name, content))
    assert str(tmp_path / name) in str(raised.value)


def test_encodings_of_exports(tmp_path: Path) -> None:
    path = tmp_path / "my.bib"
    path.write_bytes("\ufeff@book{a, title={Größe}}".encode())
    assert read_export(path).entries[0].title == "Größe"
    path.write_bytes("@book{a, title={Größe}}".encode("latin-1"))
    with pytest.raises(InvalidExport, match="not UTF-8"):
        read_export(path)
    path.unlink()
    with pytest.raises(InvalidExport, match="cannot be read"):
        read_export(path)


@pytest.fixture
def attachments(tmp_path: Path) -> Attachments:
    """The files of an export `my.json` with some files beside it."""
    names = (
        "files/12/a.pdf",
        "files/13/Lovelace - 1843 - Notes on the Engine.pdf",
        "my/key7.pdf",
        "Knuth - 1984 - Literate programming.pdf",
        "my/Other - 1984 - Literate programming.pdf",
        "elsewhere/key8.pdf",
    )
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%PDF-1.7")
    return Attachments(tmp_path / "my.json")


def test_files_are_found_by_their_paths(tmp_path: Path, attachments: Attachments) -> None:
    absolute = str(tmp_path / "elsewhere/key8.pdf")
    found = attachments.of(Entry("k", files=(r"files\12\a.pdf", absolute, "files/12/a.pdf")))
    assert (found.main, found.missing) == (tmp_path / "files/12/a.pdf", ())
    assert found.paths == (tmp_path / "files/12/a.pdf", tmp_path / "elsewhere/key8.pdf")


@pytest.mark.parametrize("written", ["files/9/a.pdf", "files", "a\0.pdf", "x" * 5000, "/dev/null"])
def test_missing_files_and_other_kinds_are_reported(attachments: Attachments, written: str) -> None:
    found = attachments.of(Entry("k", files=(written, "files/12/a.pdf")))
    assert (found.main, found.missing, len(found.paths)) == (None, (written,), 1)


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (Entry("key7"), "my/key7.pdf"),
        (
            Entry("k", "Notes on the Engine", year=1843),
            "files/13/Lovelace - 1843 - Notes on the Engine.pdf",
        ),
        (
            Entry("k", "Notes: on the engine"),
            "files/13/Lovelace - 1843 - Notes on the Engine.pdf",
        ),
        (Entry("k", "Notes on the Engine", year=1844), None),
        (Entry("k", "Literate programming", year=1984), None),  # two files have this name
        (Entry("key8"), None),  # not beside the export
        (Entry("k", "..."), None),
        (Entry(""), None),
    ],
)
def test_file_without_path_is_found_by_its_name(
    tmp_path: Path, attachments: Attachments, entry: Entry, name: str | None
) -> None:
    found = attachments.of(entry)
    assert found.main == (tmp_path / name if name else None)
    assert found.paths == ((found.main,) if name else ())
