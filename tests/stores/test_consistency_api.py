"""Consistency of the stores on PostgreSQL: comparison, repair, and the output of
`paperworks doctor`."""

from __future__ import annotations

import asyncio
import json

import pytest
import schemathesis
from typer.testing import CliRunner, Result

from domain.jobs import Lane, Task
from serve_app.cli.checkup import Checkup
from serve_app.cli.doctor import lost_papers, rows, summary
from serve_app.cli.main import app
from serve_app.client import AsyncClient, Client
from serve_app.schemas.consistency import Consistency
from stores.blobs.blob_store import pdf_key
from tests.stores.postgres_library import PostgresLibrary
from tests.timing import make_older
from tests.unit.serve_app.library import pdf
from tests.unit.serve_app.schema_fuzz import HEADERS, MODES, fuzz

HOUR = 3600


async def paper(library: PostgresLibrary, name: str = "paper.pdf") -> Task:
    """Adds a searchable paper with two chunks."""
    await library.upload(pdf(name), name=name)
    [task] = await library.read_papers("one passage", "another passage")
    return task


async def compare(library: PostgresLibrary) -> Consistency:
    answer = await library.get("/consistency")
    assert answer.status_code == 200, answer.text
    return Consistency.model_validate(answer.json())


def orphan_blob(library: PostgresLibrary) -> str:
    """Stores an old PDF that belongs to no document, and returns its key."""
    library.assign_library_id()
    key = pdf_key("f" * 64)
    library.blobs.put_artifact(key, b"%PDF-")
    make_older(library.folder / "blobs" / key, 3 * HOUR)
    return key


def orphan_chunks(library: PostgresLibrary, task: Task) -> None:
    """Indexes chunks of an inactive version."""
    library.index(task.model_copy(update={"version": 9}), ["left over"])


async def repair(library: PostgresLibrary) -> tuple[int, dict]:
    answer = await library.http.post("/api/v1/consistency/repair")
    return answer.status_code, answer.json()


async def test_consistency_api_reports_consistent_stores(library: PostgresLibrary) -> None:
    await paper(library)
    found = await compare(library)
    assert found.consistent
    assert set(found.counts.model_dump().values()) == {0}
    status, body = await repair(library)
    assert (status, body["job_ids"], body["chunks_deleted"]) == (200, [], 0)


async def test_consistency_repair_reads_documents_with_missing_chunks_again(
    library: PostgresLibrary,
) -> None:
    task = await paper(library)
    library.vectors.delete_versions(task.document_id, 0, 9)
    found = await compare(library)
    assert not found.consistent
    [missing] = found.missing_chunks
    assert (missing.document_id, missing.filename) == (task.document_id, "paper.pdf")
    assert (missing.expected, missing.found, missing.version) == (2, 0, 1)
    status, body = await repair(library)
    assert (status, body["documents_queued"]) == (202, 1)
    job = (await library.get(f"/jobs/{body['job_ids'][0]}")).json()
    assert (job["kind"], job["status"]) == ("repair", "queued")
    assert library.wake_calls
    await library.read_papers("one passage", "another passage")
    assert (await compare(library)).consistent
    assert (await library.search("another passage")).json()["hits"]


async def test_consistency_repair_removes_orphans(library: PostgresLibrary) -> None:
    orphan_chunks(library, await paper(library))
    key = orphan_blob(library)
    found = await compare(library)
    assert [item.chunks for item in found.orphan_chunks] == [1]
    assert [item.key for item in found.orphan_blobs] == [key]
    status, body = await repair(library)
    assert status == 200
    assert (body["chunks_deleted"], body["pdfs_trashed"], body["blobs_deleted"]) == (1, 1, 0)
    assert body["found"]["counts"]["orphan_blobs"] == 1
    assert (await compare(library)).consistent


async def test_consistency_api_lists_first_hundred_differences(library: PostgresLibrary) -> None:
    task = await paper(library)
    for version in range(2, 132):
        library.index(task.model_copy(update={"version": version}), ["left over"])
    found = await compare(library)
    assert found.counts.orphan_chunks == 130
    assert len(found.orphan_chunks) == 100
    assert ("orphan chunks", "and 30 more") in list(rows(found))
    assert summary(found) == "orphan chunks: 130"


async def test_difference_rows_strip_terminal_escapes(library: PostgresLibrary) -> None:
    task = await paper(library, "a\x1b[31m.pdf")
    library.vectors.delete_versions(task.document_id, 0, 9)
    library.blobs.delete(pdf_key(task.sha256))
    found = await compare(library)
    said = [text for _, text in rows(found)] + [lost_papers(found) or ""]
    assert len(said) == 3 and "\x1b" not in "".join(said)


async def test_checkup_is_well_when_stores_are_consistent_or_repaired(
    library: PostgresLibrary,
) -> None:
    assert Checkup(findings=[]).ok
    task = await paper(library)
    found = await compare(library)
    assert Checkup(findings=[], consistency=found).ok
    library.vectors.delete_versions(task.document_id, 0, 9)
    found = await compare(library)
    assert not Checkup(findings=[], consistency=found).ok
    _, body = await repair(library)
    mended = Checkup.model_validate({"findings": [], "consistency": found, "repair": body})
    assert mended.ok
    library.blobs.delete(pdf_key(task.sha256))
    await library.read_papers("one passage", "another passage")
    _, body = await repair(library)
    unmended = Checkup.model_validate({"findings": [], "consistency": found, "repair": body})
    assert not unmended.ok


@pytest.fixture
def doctor(url: str, monkeypatch: pytest.MonkeyPatch):
    """Runs `paperworks doctor` against the served library.

    The checks of the machine are skipped: its free memory is not under test.
    """
    monkeypatch.setenv("PAPERWORKS_URL", url)
    monkeypatch.setattr("serve_app.cli.checkup.examine", lambda *_: [])

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["doctor", *arguments])

    return run


def broken(library: PostgresLibrary, url: str) -> str:
    """Creates a paper with lost chunks, and orphans; returns the id of the paper."""
    library.pause_worker()
    with Client(url) as client:
        accepted = client.upload(pdf("ions"), filename="ions.pdf")
        [task] = asyncio.run(library.claim(Lane.INTERACTIVE))
        asyncio.run(library.finish(task, ["A passage on ions"]))
        library.vectors.delete_versions(accepted.document_id, 0, 9)
    orphan_chunks(library, task)
    orphan_blob(library)
    return accepted.document_id


async def test_clients_compare_and_repair_stores(library: PostgresLibrary, url: str) -> None:
    broken_id = await asyncio.to_thread(broken, library, url)
    with Client(url) as client:
        found = await asyncio.to_thread(client.consistency)
    assert [item.document_id for item in found.missing_chunks] == [broken_id]
    async with AsyncClient(url) as other:
        assert (await other.consistency()).counts == found.counts
        assert (await other.repair_consistency()).documents_queued == 1
        assert (await other.consistency()).consistent


def test_doctor_reports_consistent_stores(doctor) -> None:
    result = doctor()
    assert result.exit_code == 0, result.output
    assert "ok    Stores      PostgreSQL, Milvus and the blob store are consistent" in result.stdout


def test_doctor_lists_differences_and_repairs_them(
    library: PostgresLibrary, url: str, doctor
) -> None:
    document = broken(library, url)
    result = doctor()
    assert result.exit_code == 1
    assert "FAIL  Stores      missing chunks: 1, orphan chunks: 1, orphan blobs: 1" in result.stdout
    assert (
        f"missing chunks     ions.pdf ({document} in default, version 1): 0 of 1" in result.stdout
    )
    assert f"orphan chunks      {document}, version 9: 1" in result.stdout
    assert "orphan blobs       pdf/ff/" in result.stdout and "3 h old" in result.stdout
    assert "doctor --repair" in result.stderr
    mended = doctor("--repair")
    assert mended.exit_code == 0, mended.output
    assert "done  1 paper queued for reprocessing: job_" in mended.stdout
    assert "done  1 chunk deleted" in mended.stdout
    assert "done  1 unused PDF moved to the trash" in mended.stdout
    library.worker_paused = False
    with Client(url) as client:
        [job] = [item for item in client.jobs().items if item.kind == "repair"]
        assert client.wait(job.job_id, 10).status == "completed"
        assert client.search("passage").hits[0].document_id == document
    assert doctor().exit_code == 0


def test_doctor_prints_json(library: PostgresLibrary, url: str, doctor) -> None:
    broken(library, url)
    result = doctor("--json", "--repair")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["findings"] == []
    assert answer["consistency"]["counts"]["missing_chunks"] == 1
    assert answer["repair"]["documents_queued"] == 1
    assert json.loads(doctor("--json").stdout)["repair"] is None


def test_doctor_reports_lost_pdf_with_exit_code_1(
    library: PostgresLibrary, url: str, doctor
) -> None:
    document = broken(library, url)
    with Client(url) as client:
        library.blobs.delete(pdf_key(client.document(document).sha256))
    result = doctor("--repair")
    assert result.exit_code == 1
    assert "lost; upload them again: ions.pdf." in result.stderr


def test_doctor_repair_fails_without_a_service(doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERWORKS_URL", "http://127.0.0.1:1")
    assert doctor().exit_code == 0
    result = doctor("--repair")
    assert result.exit_code == 1
    assert "nothing was changed" in result.stderr


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name.lower())
def test_consistency_api_fuzz_responses_conform_to_openapi(
    library: PostgresLibrary, mode: schemathesis.GenerationMode
) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", library.app, headers=HEADERS)
    assert fuzz(schema.include(tag="consistency"), mode) >= 2
