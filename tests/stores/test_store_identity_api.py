"""Stores of different libraries: reads keep working, and all changes are rejected."""

from __future__ import annotations

import uuid

import pytest

from serve_app.cli.doctor import adoption_lines, advice, rows, summary
from serve_app.client import Client
from serve_app.schemas.consistency import Adoption, Consistency, Repair
from stores.blobs.warmup_blob import WARM_UP_PDF
from tests.stores.postgres_library import PostgresLibrary
from tests.timing import make_older
from tests.unit.serve_app.library import pdf

HOUR = 3600
REPAIR, ADOPT = "/api/v1/consistency/repair", "/api/v1/consistency/adopt"


async def mismatch(library: PostgresLibrary) -> str:
    """Adds a searchable paper, then assigns the blob store to another library. Returns the id."""
    library.assign_library_id()
    await library.upload(pdf("foxes"), name="foxes.pdf")
    [task] = await library.read_papers("A passage on foxes")
    library.blobs.set_library_id(str(uuid.uuid4()), replace=True)
    return task.document_id


def orphan(library: PostgresLibrary, text: str) -> str:
    """Stores an old PDF that belongs to no document, and returns its SHA-256."""
    return store_pdf(library, pdf(text))


def store_pdf(library: PostgresLibrary, content: bytes) -> str:
    """Stores a PDF with an age of three hours, and returns its SHA-256."""
    library.assign_library_id()
    source = library.folder / "orphan.pdf"
    source.write_bytes(content)
    blob = library.blobs.put_file(source, 100_000)
    make_older(library.folder / "blobs" / blob.key, 3 * HOUR)
    return blob.sha256


async def compare(library: PostgresLibrary) -> Consistency:
    return Consistency.model_validate((await library.get("/consistency")).json())


async def test_store_mismatch_keeps_searches_and_is_reported_by_readyz(
    library: PostgresLibrary,
) -> None:
    document = await mismatch(library)
    [hit] = (await library.search("foxes")).json()["hits"]
    assert hit["document_id"] == document
    assert (await library.get(f"/documents/{document}")).status_code == 200
    answer = await library.http.get("/readyz")
    assert answer.status_code == 200
    said = answer.json()["checks"]["store_identity"]
    assert "PostgreSQL belongs to library" in said and "the blob store to library" in said


async def test_store_mismatch_rejects_uploads_and_keeps_nothing(library: PostgresLibrary) -> None:
    document = await mismatch(library)
    before = [blob.key for blob in library.blobs.listed()]
    answers = [
        await library.upload(pdf("new")),
        await library.upload_many([("new.pdf", pdf("new"))]),
        await library.http.post(f"/api/v1/documents/{document}/reingest"),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "stores_do_not_match")
    assert [blob.key for blob in library.blobs.listed()] == before
    assert await library.claim() == []


@pytest.mark.parametrize("params", [{}, {"delete_orphans": True}])
async def test_store_mismatch_rejects_repair(
    library: PostgresLibrary, params: dict[str, bool]
) -> None:
    await mismatch(library)
    sha256 = orphan(library, "of another library")
    answer = await library.http.post(REPAIR, params=params)
    assert (answer.status_code, answer.json()["code"]) == (409, "stores_do_not_match")
    assert list(library.blobs.trashed()) == []
    found = await compare(library)
    assert not found.consistent and found.identity_problems
    assert [item.key for item in found.orphan_blobs] == [f"pdf/{sha256[:2]}/{sha256}.pdf"]
    assert summary(found) == "the stores do not belong to the same library"
    assert next(rows(found))[0] == "identity"
    [sentence] = advice(found, None)
    assert "--claim-stores" in sentence


async def test_repair_keeps_orphans_above_the_deletion_limits(library: PostgresLibrary) -> None:
    for number in range(21):
        orphan(library, str(number))
    found = await compare(library)
    assert found.deletion_refused == "21 PDFs"
    done = Repair.model_validate((await library.http.post(REPAIR)).json())
    assert (done.pdfs_trashed, done.deletion_refused) == (0, "21 PDFs")
    said = list(advice(found, done))
    assert "the deletion of 21 PDFs exceeds" in said[0] and "--delete-orphans" in said[1]
    assert list(library.blobs.trashed()) == []
    wanted = await library.http.post(REPAIR, params={"delete_orphans": True})
    assert wanted.json()["pdfs_trashed"] == 21
    assert len(list(library.blobs.trashed())) == 21


async def test_adopt_turns_orphan_pdfs_into_papers(library: PostgresLibrary) -> None:
    """Simulates the restore of an older dump: PostgreSQL has no record of these PDFs."""
    await library.upload(pdf("known"))
    await library.upload(pdf("deleted"), name="deleted.pdf")
    _, deleted = await library.read_papers("A passage")
    await library.http.delete(f"/api/v1/documents/{deleted.document_id}")
    placed, trashed = orphan(library, "placed"), orphan(library, "trashed")
    library.blobs.trash_pdf(trashed)
    store_pdf(library, WARM_UP_PDF)  # every runner stores it; it is not a paper
    answer = await library.http.post(ADOPT, json={"collection": "restored"})
    assert answer.status_code == 202
    done = Adoption.model_validate(answer.json())
    assert (done.documents_queued, done.from_trash, done.documents_left) == (2, 1, 0)
    assert len(list(adoption_lines(done))) == 2
    job = (await library.get(f"/jobs/{done.job_ids[0]}")).json()
    assert (job["kind"], job["collection"]) == ("adopt", "restored")
    tasks = await library.read_papers("A passage of the past")
    assert {task.sha256 for task in tasks} == {placed, trashed}
    assert {task.filename for task in tasks} == {
        f"{digest[:12]}.pdf" for digest in (placed, trashed)
    }
    found = await compare(library)
    assert (found.orphan_blobs, found.missing_blobs, found.missing_chunks) == ([], [], [])
    again = await library.http.post(ADOPT, json={"collection": "restored"})
    assert (again.status_code, again.json()["documents_queued"]) == (200, 0)


async def test_adopt_claims_stores_only_on_request(library: PostgresLibrary) -> None:
    await mismatch(library)
    orphan(library, "of a lost database")
    refused = await library.http.post(ADOPT, json={"collection": "a"})
    assert (refused.status_code, refused.json()["code"]) == (409, "stores_do_not_match")
    claimed = await library.http.post(ADOPT, json={"collection": "a", "claim_stores": True})
    assert (claimed.status_code, claimed.json()["documents_queued"]) == (202, 1)
    assert not (await compare(library)).identity_problems
    assert (await library.upload(pdf("new"))).status_code == 202


@pytest.mark.parametrize("body", [{}, {"collection": "a b"}, {"collection": "a", "claim": True}])
async def test_adopt_requires_a_valid_collection(
    library: PostgresLibrary, body: dict[str, object]
) -> None:
    assert (await library.http.post(ADOPT, json=body)).status_code == 422


def test_client_adopts_orphan_pdfs(library: PostgresLibrary, url: str) -> None:
    library.pause_worker()
    orphan(library, "placed")
    with Client(url) as client:
        assert client.adopt("restored").documents_queued == 1
        assert client.repair_consistency(delete_orphans=True).pdfs_trashed == 0
