"""Similar documents, reingest, and the kinds of passages that a search returns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from domain.documents import ChunkKind
from domain.papers import Metadata, Paper
from stores.blobs.blob_store import pdf_key
from tests.unit.serve_app.library import Library, pdf, vector_of
from tests.unit.serve_app.paper_fixtures import PAPER, add_paper


def paper(title: str) -> Paper:
    """Returns another work."""
    return replace(PAPER, metadata=Metadata(title))


async def test_similar_api_ranks_other_documents_by_cosine(
    library: Library,
) -> None:
    looms = await add_paper(library, PAPER, "looms weave flowers", "cards drive looms")
    near = await add_paper(library, paper("On Roses"), "roses", "looms weave cloth")
    far = await add_paper(library, paper("On Whales"), "whales sing at night")
    await add_paper(library, PAPER, "looms weave flowers", content=pdf("x"), collection="other")
    found = (await library.get(f"/documents/{looms}/similar")).json()["documents"]
    assert [item["document_id"] for item in found] == [near, far]
    assert found[0]["passage"]["text"] == "looms weave cloth"
    assert found[0]["passage"]["boxes"][0]["page"] == 2
    assert found[0]["title"] == "On Roses"
    mean = (vector_of("looms weave flowers") + vector_of("cards drive looms")) / 2
    cosine = float(vector_of("looms weave cloth") @ mean) / float((mean @ mean) ** 0.5)
    assert abs(found[0]["score"] - cosine) < 1e-5
    assert found[0]["score"] > found[1]["score"]
    first = (await library.get(f"/documents/{looms}/similar?limit=1")).json()["documents"]
    assert [item["document_id"] for item in first] == [near]
    assert library.embedded == []
    assert (await library.get(f"/documents/{looms}/similar?limit=0")).status_code == 422


async def test_similar_api_ignores_inactive_versions(library: Library) -> None:
    name = await add_paper(library, PAPER, "looms weave")
    other = await add_paper(library, paper("On Looms"), "looms weave")
    await library.http.post(f"/api/v1/documents/{other}/reingest")
    [task] = await library.claim()
    library.index(task, ["looms weave a second time"])
    [found] = (await library.get(f"/documents/{name}/similar")).json()["documents"]
    assert found["passage"]["text"] == "looms weave"


async def test_reingest_creates_version_and_keeps_old_hits_until_done(library: Library) -> None:
    name = await add_paper(library, PAPER, "the old passage")
    woken = library.wake_calls
    answer = await library.http.post(f"/api/v1/documents/{name}/reingest")
    accepted = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/jobs/{accepted['job_id']}"
    assert accepted["status_endpoint"] == f"/jobs/{accepted['job_id']}"
    assert (accepted["document_id"], accepted["filename"]) == (name, "engine.pdf")
    assert "read again" in accepted["message"]
    assert library.wake_calls == woken + 1
    hits = (await library.search("passage")).json()["hits"]
    assert [hit["text"] for hit in hits] == ["the old passage"]
    await library.read_papers("the new passage")
    document = (await library.get(f"/documents/{name}")).json()
    assert (document["version"], document["status"]) == (2, "ready")
    hits = (await library.search("passage")).json()["hits"]
    assert [hit["text"] for hit in hits] == ["the new passage"]


async def test_reingest_rejects_unknown_document_and_missing_pdf(library: Library) -> None:
    answer = await library.http.post("/api/v1/documents/doc_nope/reingest")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    name = await add_paper(library)
    sha256 = (await library.get(f"/documents/{name}")).json()["sha256"]
    library.blobs.delete(pdf_key(sha256))
    answer = await library.http.post(f"/api/v1/documents/{name}/reingest")
    assert answer.status_code == 404
    assert "upload it" in answer.json()["detail"]


async def test_search_excludes_references_by_default(library: Library) -> None:
    name = await add_paper(library, PAPER, "looms")
    [chunk] = library.vectors.chunks(name, 1)
    kinded = [replace(chunk, chunk_id=f"{kind}", kind=kind) for kind in ChunkKind]
    vectors = np.stack([vector_of("looms")] * len(kinded))
    library.vectors.upsert(kinded, vectors, collection="default")

    async def kinds(**options: object) -> set[str]:
        hits = (await library.search("looms", **options)).json()["hits"]
        return {hit["kind"] for hit in hits}

    assert await kinds() == {"text", "abstract", "table", "figure"}
    assert await kinds(filters={"kinds": ["table", "figure"]}) == {"table", "figure"}
    assert await kinds(filters={"kinds": ["abstract"]}) == {"abstract"}
    assert await kinds(filters={"kinds": ["reference"]}) == {"reference"}
