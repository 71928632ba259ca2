"""`paperworks bulk --zotero` against the service: metadata, tags and the second run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.papers import Author
from serve_app.client import Client
from serve_app.schemas.core import Document
from tests.pdf_builder.papers import make_paper
from tests.service import RunningService, run_program

KEYS = ("knuth1984", "lovelace1843", "turing1936")
COLLECTIONS = {
    "AAAA1111": {"key": "AAAA1111", "name": "Thesis", "parent": False, "items": [1, 2, 3]},
    "BBBB2222": {"key": "BBBB2222", "name": "Methods", "parent": "AAAA1111", "items": [2]},
}
Run = Callable[..., str]


@pytest.fixture
def export(tmp_path: Path, collection: str) -> Path:
    """An export of three entries in Better BibTeX JSON, with their files."""
    items = [_item(number, key) for number, key in enumerate(KEYS, 1)]
    for number, key in enumerate(KEYS, 1):
        file = tmp_path / f"files/{number}/{key}.pdf"
        file.parent.mkdir(parents=True)
        file.write_bytes(make_paper(f"Printed title {number} of {collection}"))
    path = tmp_path / "My Library.json"
    path.write_text(json.dumps({"collections": COLLECTIONS, "items": items}))
    return path


def _item(number: int, key: str) -> dict[str, Any]:
    return {
        "itemType": "journalArticle",
        "itemID": number,
        "citationKey": key,
        "title": f"Title of <i>{key}</i> in Zotero",
        "creators": [
            {"creatorType": "author", "firstName": "Ada", "lastName": "Lovelace"},
            {"creatorType": "author", "name": "ATLAS Collaboration"},
        ],
        "date": f"{1900 + number}-05-01",
        "DOI": f"10.1000/{key}",
        "tags": [{"tag": "to read"}],
        "attachments": [{"path": f"files/{number}/{key}.pdf", "title": "Full Text PDF"}],
    }


@pytest.fixture
def run(service: RunningService, collection: str) -> Run:
    """Returns a function that imports an export and returns the output."""

    def run(export: Path, code: int = 0, *options: str) -> str:
        environment = {"PAPERWORKS_HOME": str(service.home), "NO_COLOR": "1"}
        command = ["paperworks", "bulk", "--zotero", export, "--collection", collection]
        command += options
        done = run_program(*command, environment=environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    return run


def papers_of(library: Client, collection: str) -> dict[str, Document]:
    """Returns the documents by id."""
    listed = library.documents(collection=collection).items
    return {document.document_id: document for document in listed}


def jobs_of(library: Client, collection: str) -> list[str]:
    return [job.job_id for job in library.jobs(collection=collection).items]


def test_import_takes_metadata_and_collections_of_the_export(
    library: Client, export: Path, collection: str, run: Run
) -> None:
    assert "3 new, 0 changed, 0 unchanged" in run(export)
    papers = {paper.doi: paper for paper in papers_of(library, collection).values()}
    assert papers.keys() == {f"10.1000/{key}" for key in KEYS}
    paper = papers["10.1000/lovelace1843"]
    assert (paper.status, paper.title) == ("ready", "Title of lovelace1843 in Zotero")
    assert (paper.year, paper.filename) == (1902, "lovelace1843.pdf")
    assert paper.authors == [
        Author("Ada Lovelace", "Ada", "Lovelace"),
        Author("ATLAS Collaboration"),
    ]
    assert paper.tags == ["to read", "Thesis", "Thesis/Methods"]
    tagged = library.documents(collection=collection, tags=["Thesis/Methods"]).items
    assert [one.document_id for one in tagged] == [paper.document_id]
    again = library.reingest(paper.document_id)
    assert library.wait(again.job_id, 120).status == "completed"
    assert library.document(paper.document_id).title == paper.title
    hit = library.search("Printed title 2", collection=collection, limit=1).hits[0]
    assert "in Zotero" in (hit.title or "")


def test_second_run_processes_only_what_changed(
    library: Client, export: Path, collection: str, run: Run
) -> None:
    run(export)
    before, jobs = papers_of(library, collection), jobs_of(library, collection)
    result, _ = json.JSONDecoder().raw_decode(run(export, 0, "--json"))
    assert [result[name] for name in ("new", "changed", "unchanged", "jobs")] == [0, 0, 3, []]
    assert (papers_of(library, collection), jobs_of(library, collection)) == (before, jobs)

    given = json.loads(export.read_text())
    given["items"][0]["title"] = "Another title"
    export.write_text(json.dumps(given))
    edition = make_paper(f"A new edition of {collection}")
    (export.parent / "files/3/turing1936.pdf").write_bytes(edition)
    output = run(export)
    assert "1 new, 1 changed, 1 unchanged" in output
    after = papers_of(library, collection)
    [new] = after.keys() - before.keys()
    assert (after[new].title, after[new].doi) == (
        "Title of turing1936 in Zotero",
        "10.1000/turing1936",
    )
    changed = {
        paper.filename: after[name] for name, paper in before.items() if after[name] != paper
    }
    assert changed.keys() == {"knuth1984.pdf", "turing1936.pdf"}
    assert changed["knuth1984.pdf"].title == "Another title"
    assert changed["turing1936.pdf"].same_work_as == [new]
    [former] = [paper.document_id for paper in before.values() if paper.doi == after[new].doi]
    assert f"documents delete {former}" in output
    [job] = [job for job in jobs_of(library, collection) if job not in jobs]
    assert [task.document_id for task in library.job(job).tasks] == [new]


def test_bibtex_export_with_problems_imports_the_rest(
    library: Client, export: Path, collection: str, run: Run
) -> None:
    bib = export.with_suffix(".bib")
    (export.parent / "notes.pdf").write_text("no PDF")
    bib.write_text(
        '@book{good, title={{\\"U}ber Maschinen}, author={M{\\"u}ller, J{\\"o}rg}, '
        "groups={Thesis}, "
        f"file={{Full Text:{export.parent}/files/1/knuth1984.pdf:application/pdf}}}}\n"
        "@book{gone, title={Gone}, file={files/9/gone.pdf}}\n"
        "@book{text, title={Text}, file={notes.pdf}}\n"
        "@book{none, title={No file}}\n"
    )
    output = run(bib, 1)
    for words in (
        "1 new, 0 changed, 0 unchanged, 1 without a PDF, 1 missing files, 1 refused",
        "gone: files/9/gone.pdf does not exist",
        "notes.pdf: refused (not_a_pdf)",
        "none: the entry has no PDF",
    ):
        assert words in output
    [paper] = papers_of(library, collection).values()
    assert (paper.title, paper.tags) == ("Über Maschinen", ["Thesis"])
    assert paper.authors == [Author("Jörg Müller", "Jörg", "Müller")]
