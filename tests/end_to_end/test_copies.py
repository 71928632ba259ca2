"""Several files of one work on the running service: job, document, search, pages and commands."""

from __future__ import annotations

import httpx
import pymupdf
import pytest

from serve_app.client import Client
from serve_app.schemas.core import Job
from tests.pdf_builder.papers import make_study
from tests.service import RunningService, run_program

TITLE = "Herbs that Return Silver to the Light of Day"
QUESTION = "Which spoon quenches the reaction?"
SAYS = "The library already has this work"


def variant(content: bytes, *, stamp: str = "", note: str = "") -> bytes:
    """Returns the paper with a DOI line, a stamp in the margin, and the note of a reader."""
    with pymupdf.open(stream=content, filetype="pdf") as document:
        document[0].insert_text((54, 30), "https://doi.org/10.5555/herbs.2018.4", fontsize=8)
        for page in document:
            if stamp:
                page.insert_text((20, 600), stamp, fontsize=7, rotate=90)
            if note:
                page.add_text_annot((300, 300), note)
        return document.tobytes()


@pytest.fixture(scope="module")
def variants() -> dict[str, bytes]:
    """Three files of one paper: as printed twice with the day of a download, and with notes."""
    content = make_study(TITLE)
    return {
        "monday.pdf": variant(content, stamp="Downloaded from journal.example on 4 May 2021"),
        "friday.pdf": variant(content, stamp="Downloaded from journal.example on 9 June 2023"),
        "notes.pdf": variant(content, note="Zygomancer: compare with the second run"),
    }


def upload(library: Client, content: bytes, collection: str, name: str) -> Job:
    accepted = library.upload(content, collection, filename=name)
    return library.wait(accepted.job_id, 240)


def test_other_files_of_a_work_are_reported_and_listed_once(
    service: RunningService,
    library: Client,
    http: httpx.Client,
    collection: str,
    variants: dict[str, bytes],
) -> None:
    jobs = {name: upload(library, one, collection, name) for name, one in variants.items()}
    assert {job.status for job in jobs.values()} == {"completed"}
    names = [job.tasks[0].document_id for job in jobs.values()]
    assert jobs["monday.pdf"].tasks[0].same_work_as == []
    assert jobs["friday.pdf"].tasks[0].same_work_as == names[:1]
    assert jobs["notes.pdf"].tasks[0].same_work_as == sorted(names[:2])
    for name in names:
        document = library.document(name)
        assert document.doi == "10.5555/herbs.2018.4"
        assert document.same_work_as == sorted(set(names) - {name})
    for mode in ("hybrid", "sparse"):
        result = library.search(QUESTION, collection=collection, mode=mode, limit=20)
        chosen = {"document_ids": names[:1]}
        alone = library.search(QUESTION, collection=collection, mode=mode, limit=20, filters=chosen)
        texts = [hit.text for hit in result.hits]
        assert sorted(texts) == sorted(hit.text for hit in alone.hits)
        assert sorted([result.hits[0].document_id, *result.hits[0].also_in]) == sorted(names)
        one = library.search(QUESTION, collection=collection, mode=mode, group_by="document")
        assert len(one.hits) == 1
    for name in names:
        alone = library.search(QUESTION, collection=collection, filters={"document_ids": [name]})
        assert {hit.document_id for hit in alone.hits} == {name}
    assert SAYS in http.get(f"/papers/{names[1]}").text
    assert SAYS in http.get(f"/jobs/{jobs['notes.pdf'].job_id}").text
    assert "another copy" in http.get("/search", params={"q": QUESTION}).text


def test_collection_refuses_or_replaces_other_files(
    service: RunningService,
    library: Client,
    collection: str,
    variants: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("variants")
    for name, content in variants.items():
        (folder / name).write_bytes(content)

    def run(*command: str) -> tuple[int, str]:
        environment = {"PAPERWORKS_URL": service.url}
        done = run_program("paperworks", *command, environment=environment)
        return done.returncode, done.stdout + done.stderr

    created = run("collections", "create", collection, "--duplicates", "refuse")
    assert created[0] == 0 and "duplicates: refuse" in created[1]
    first = upload(library, variants["monday.pdf"], collection, "monday.pdf")
    status, said = run("upload", str(folder / "friday.pdf"), "-c", collection)
    assert status == 1 and "same_work" in said and first.tasks[0].document_id in said
    assert run("collections", "change", collection, "--duplicates", "keep")[0] == 0
    status, said = run("upload", str(folder / "notes.pdf"), "-c", collection)
    assert status == 0 and SAYS in said and "Herbs that Return Silver" in said
    library.correct(first.tasks[0].document_id, tags=["herbs"])
    library.change_collection(collection, duplicates="newest")
    kept = upload(library, variants["friday.pdf"], collection, "friday.pdf").tasks[0].document_id
    (only,) = library.documents(collection=collection).items
    assert (only.document_id, only.tags, only.same_work_as) == (kept, ["herbs"], [])
    hits = library.search(QUESTION, collection=collection).hits
    assert {hit.document_id for hit in hits} == {kept}
