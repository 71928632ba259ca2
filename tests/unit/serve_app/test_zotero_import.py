"""`paperworks bulk --zotero` against the real API: what it sends, prints and returns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from domain.papers import Author
from serve_app.cli.main import app
from serve_app.client import Client, PaperworksProblem
from serve_app.schemas.core import Document
from tests.unit.serve_app.library import Library, pdf

Import = Callable[..., Result]


def item(key: str, **more: Any) -> dict[str, Any]:
    """Returns an item of Better BibTeX JSON with the PDF `files/KEY.pdf`."""
    return {
        "itemType": "journalArticle",
        "citationKey": key,
        "title": f"On {key}",
        "creators": [{"firstName": "Ada", "lastName": "Lovelace"}],
        "date": "1843",
        "attachments": [{"path": f"files/{key}.pdf"}],
        **more,
    }


class Zotero:
    """An export in a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "My Library.json"
        self.items: dict[str, dict[str, Any]] = {}

    def add(self, key: str, **more: Any) -> None:
        self.items[key] = item(key, **more)
        for attachment in self.items[key]["attachments"]:
            self.write(attachment["path"])

    def write(self, name: str, content: bytes | None = None) -> None:
        path = self.path.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content or pdf(name))

    def save(self) -> Path:
        self.path.write_text(json.dumps({"items": list(self.items.values())}))
        return self.path


@pytest.fixture
def zotero(tmp_path: Path) -> Zotero:
    return Zotero(tmp_path)


@pytest.fixture
def bring_in(url: str, monkeypatch: pytest.MonkeyPatch, zotero: Zotero) -> Import:
    """Returns a function that saves and imports the export into the served library."""
    monkeypatch.setenv("PAPERWORKS_URL", url)

    def run(*arguments: str) -> Result:
        given = ["bulk", "--zotero", str(zotero.save()), "-c", "thesis", *arguments]
        return CliRunner().invoke(app, given)

    return run


@pytest.fixture
def documents(url: str) -> Callable[[], dict[str, Document]]:
    """Returns a function that returns the documents by file name."""

    def by_name() -> dict[str, Document]:
        with Client(url) as client:
            listed = client.documents(collection="thesis", limit=200).items
        return {document.filename: document for document in listed}

    return by_name


def summary(result: Result) -> str:
    return result.stdout.splitlines()[-1]


def counts(**given: int) -> str:
    names = ("new", "changed", "unchanged", "without a PDF", "missing files", "refused")
    return ", ".join(f"{given.get(name.split()[0], 0)} {name}" for name in names)


def test_second_import_sends_nothing(
    zotero: Zotero, bring_in: Import, documents: Any, url: str
) -> None:
    zotero.add("a", tags=[{"tag": "looms"}], DOI="10.1000/A")
    zotero.add("b")
    first = bring_in()
    assert (first.exit_code, summary(first)) == (0, counts(new=2)), first.output
    paper = documents()["a.pdf"]
    assert paper.status == "ready"
    assert (paper.title, paper.year, paper.doi) == ("On a", 1843, "10.1000/a")
    assert (paper.authors, paper.tags) == ([Author("Ada Lovelace", "Ada", "Lovelace")], ["looms"])
    assert paper.corrected == ["title", "authors", "year", "doi"]
    before = documents()
    second = bring_in()
    assert (second.exit_code, second.stdout) == (0, counts(unchanged=2) + "\n")
    assert documents() == before
    with Client(url) as client:
        assert len(client.jobs(collection="thesis").items) == 1


def test_only_changes_are_sent(zotero: Zotero, bring_in: Import, documents: Any) -> None:
    for key in "abc":
        zotero.add(key)
    bring_in()
    before = documents()
    zotero.items["a"]["title"] = "On another"
    zotero.write("files/b.pdf", pdf("a new edition"))
    result = bring_in()
    assert summary(result) == counts(new=1, changed=1, unchanged=1)
    former = before["b.pdf"].document_id
    assert f"b: the PDF has changed; the former one stays as {former}." in result.stdout
    after = documents()
    assert after["a.pdf"].title == "On another"
    assert after["c.pdf"] == before["c.pdf"]


def test_metadata_is_there_before_the_paper_is_read(
    zotero: Zotero, bring_in: Import, documents: Any, library: Library
) -> None:
    library.pause_worker()
    zotero.add("a")
    assert bring_in("--no-wait").exit_code == 0
    assert (documents()["a.pdf"].status, documents()["a.pdf"].title) == ("processing", "On a")
    library.worker_paused = False
    assert summary(bring_in()) == counts(unchanged=1)


def test_extracted_value_equal_to_the_export_is_kept_too(
    zotero: Zotero, bring_in: Import, documents: Any
) -> None:
    zotero.add("a.pdf", title="", creators=[], date="")
    bring_in()
    assert (documents()["a.pdf.pdf"].title, documents()["a.pdf.pdf"].corrected) == (
        "On a.pdf.pdf",
        [],
    )
    zotero.items["a.pdf"]["title"] = "On a.pdf.pdf"
    assert summary(bring_in()) == counts(changed=1)
    assert documents()["a.pdf.pdf"].corrected == ["title"]


def test_own_tags_stay(zotero: Zotero, bring_in: Import, documents: Any, url: str) -> None:
    zotero.add("a", tags=["looms"])
    bring_in()
    with Client(url) as client:
        client.correct(documents()["a.pdf"].document_id, tags=["mine", "looms"])
    zotero.items["a"]["tags"] = ["cards"]
    assert summary(bring_in()) == counts(changed=1)
    assert documents()["a.pdf"].tags == ["mine", "looms", "cards"]
    assert summary(bring_in()) == counts(unchanged=1)


def test_values_beyond_the_limits_are_reported_and_left_out(
    zotero: Zotero, bring_in: Import, documents: Any
) -> None:
    tags = ["x" * 150, "?!", *(f"tag {number}" for number in range(60))]
    zotero.add("a", tags=tags, title="T" * 2001)
    result = bring_in()
    assert result.exit_code == 0
    [paper] = documents().values()
    assert paper.title == "On a.pdf"  # as extracted
    assert (len(paper.tags), paper.tags[0]) == (50, "x" * 100)
    for words in ("cut to 100 characters", "tags.0: ", "11 of 61 tags", "title: "):
        assert words in result.stderr
    assert summary(bring_in()) == counts(unchanged=1)


def test_further_pdfs_of_an_entry_get_only_its_tags(
    zotero: Zotero, bring_in: Import, documents: Any
) -> None:
    files = [{"path": "files/main.pdf"}, {"path": "files/appendix.pdf"}]
    zotero.add("a", attachments=files, tags=["looms"])
    assert summary(bring_in()) == counts(new=2)
    papers = documents()
    assert papers["main.pdf"].title == "On a"
    assert papers["appendix.pdf"].title == "On appendix.pdf"
    assert [paper.tags for paper in papers.values()] == [["looms"], ["looms"]]
    (zotero.path.parent / "files/main.pdf").unlink()
    assert summary(bring_in()) == counts(unchanged=1, missing=1)
    assert documents()["appendix.pdf"].title == "On appendix.pdf"


def test_pdf_of_two_entries_has_the_metadata_of_the_first(
    zotero: Zotero, bring_in: Import, documents: Any
) -> None:
    zotero.add("a", tags=["one"])
    zotero.add("b", attachments=[{"path": "files/a.pdf"}], tags=["two"])
    result = bring_in()
    assert summary(result) == counts(new=1)
    assert "b: a.pdf is the PDF of a, too" in result.stderr
    assert (documents()["a.pdf"].title, documents()["a.pdf"].tags) == ("On a", ["one", "two"])
    assert summary(bring_in()) == counts(unchanged=1)


def test_problems_of_entries_are_reported_and_others_imported(
    zotero: Zotero, bring_in: Import, documents: Any
) -> None:
    for key in ("text", "gone", "link", "good"):
        zotero.add(key)
    zotero.write("files/text.pdf", b"no PDF at all")
    zotero.items["link"]["attachments"] = []
    for name in ("gone", "link"):
        (zotero.path.parent / f"files/{name}.pdf").unlink()
    result = bring_in()
    assert result.exit_code == 1
    assert summary(result) == counts(new=1, without=1, missing=1, refused=1)
    assert "gone: files/gone.pdf does not exist" in result.stderr
    assert "link: the entry has no PDF." in result.stderr
    assert "text.pdf: refused (not_a_pdf)" in result.stderr
    assert list(documents()) == ["good.pdf"]


def test_entry_without_pdf_is_no_failure(zotero: Zotero, bring_in: Import) -> None:
    zotero.add("a", attachments=[])
    result = bring_in()
    assert (result.exit_code, result.stdout) == (0, counts(without=1) + "\n")


def test_failed_paper_is_read_again(zotero: Zotero, bring_in: Import) -> None:
    zotero.add("bad")
    for _ in range(2):
        result = bring_in()
        assert (result.exit_code, summary(result)) == (1, counts(new=1))
        assert "bad.pdf: failed (no_text)" in result.stdout


def test_refused_metadata_is_reported_and_others_are_written(
    zotero: Zotero, bring_in: Import, documents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    zotero.add("a")
    zotero.add("b")
    correct, refusals = Client.correct, iter([412, 412, 409])

    def refuse_some(client: Client, document_id: str, **given: Any) -> Document:
        if given["title"] == "On a" and (status := next(refusals, None)):
            code = "precondition_failed" if status == 412 else "conflict"
            raise PaperworksProblem(status, code, "It cannot be changed now.")
        return correct.__get__(client, Client)(document_id, **given)

    monkeypatch.setattr(Client, "correct", refuse_some)
    result = bring_in()
    assert (result.exit_code, summary(result)) == (1, counts(new=1, refused=1))
    assert "a: the metadata was refused: It cannot be changed now." in result.stderr
    assert documents()["b.pdf"].title == "On b"
    assert summary(bring_in()) == counts(changed=1, unchanged=1)


@pytest.mark.parametrize("content", ["{", "[]", '{"items": 7}'])
def test_malformed_export_is_wrong_use(bring_in: Import, zotero: Zotero, content: str) -> None:
    zotero.save = lambda: zotero.path  # type: ignore[method-assign]
    zotero.path.write_text(content)
    result = bring_in()
    assert result.exit_code == 2
    assert "My Library.json" in result.stderr and "Traceback" not in result.output


def test_export_and_folder_exclude_each_other(tmp_path: Path, zotero: Zotero) -> None:
    export = str(zotero.save())
    for arguments in ([], [str(tmp_path), "--zotero", export], ["--zotero", str(tmp_path / "no")]):
        assert CliRunner().invoke(app, ["bulk", *arguments]).exit_code == 2
