"""Upload and search over HTTP, on Ray, PostgreSQL and Milvus Lite."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pymupdf
import pytest

from serve_app.client import AsyncClient, Client
from serve_app.schemas.core import Chunk, Document, Hit
from tests.pdf_builder.papers import make_paper
from tests.service import RunningService
from tests.timing import wait_until

API = "/api/v1"
TITLES = {
    "durable-leases": "Durable Leases: What a Job Queue Owes a Document",
    "one-list-from-two": "One List from Two",
    "reading-order": "Reading Order",
}
QUESTIONS = {
    "durable-leases": "When does a lease end, and what does the fencing token of a task do?",
    "one-list-from-two": "Why can BM25 and cosine scores not simply be added?",
    "reading-order": "How is the order of two columns on a page found?",
}


@pytest.fixture(scope="module")
def papers(service: RunningService, samples: dict[str, Path]) -> dict[str, Document]:
    """The sample papers in the collection `upload-to-search`, searchable."""
    with Client(service.url) as client:
        accepted = {name: client.upload(path, "upload-to-search") for name, path in samples.items()}
        for one in accepted.values():
            assert client.wait(one.job_id, 120).status == "completed"
        return {name: client.document(one.document_id) for name, one in accepted.items()}


def test_upload_response_has_legacy_fields(
    http: httpx.Client, samples: dict[str, Path], collection: str
) -> None:
    content = samples["durable-leases"].read_bytes()
    response = http.post(
        f"{API}/upload-async",
        files={"file": ("My paper.pdf", content, "application/pdf")},
        data={"collection": collection},
    )
    body = response.json()
    assert response.status_code == 202
    legacy = {"success", "message", "job_id", "task_id", "filename", "status_endpoint"}
    assert body.keys() == legacy | {"document_id", "duplicate_of"}
    assert body["success"] is True and isinstance(body["message"], str)
    assert re.fullmatch(r"job_[0-9a-f]{16}", body["job_id"])
    assert uuid.UUID(body["task_id"])
    assert body["filename"] == "My paper.pdf"
    assert body["status_endpoint"] == f"/jobs/{body['job_id']}"
    job = http.get(API + body["status_endpoint"], params={"wait": 60}).json()
    assert job["status"] == "completed"
    assert job["progress"]["fraction"] == 1
    [task] = job["tasks"]
    assert task["task_id"] == body["task_id"]
    assert task["pages_done"] == task["pages_total"] > 0
    assert task["chunks_done"] > 0 and task["searchable_at"]


@pytest.mark.parametrize("name", TITLES)
@pytest.mark.parametrize("mode", ["hybrid", "dense", "sparse"])
def test_search_finds_relevant_paper_and_boxes(
    library: Client,
    papers: dict[str, Document],
    samples: dict[str, Path],
    name: str,
    mode: str,
) -> None:
    result = library.search(QUESTIONS[name], collection="upload-to-search", mode=mode, limit=3)
    first = result.hits[0]
    assert first.document_id == papers[name].document_id
    assert (first.title or "").startswith(TITLES[name])
    assert result.mode == mode
    for hit in result.hits:
        source = next(one for one, paper in papers.items() if paper.document_id == hit.document_id)
        assert_boxes_cover_text(hit, samples[source])


def assert_boxes_cover_text(hit: Hit | Chunk, path: Path) -> None:
    """Asserts that the boxes are on the pages and contain the words of the passage.

    The boxes of a table contain its rows, the box of a figure its image; neither contains the
    caption.
    """
    printed = ""
    with pymupdf.open(path) as document:
        for box in hit.boxes:
            assert hit.page_first <= box.page <= hit.page_last
            page = document[box.page - 1]
            assert 0 <= box.x0 < box.x1 <= page.rect.width
            assert 0 <= box.y0 < box.y1 <= page.rect.height
            clip = pymupdf.Rect(box.x0 - 2, box.y0 - 2, box.x1 + 2, box.y1 + 2)
            printed += " " + str(page.get_text("text", clip=clip))
    if hit.kind == "figure":
        return
    pattern = r"[a-z]{4,}"
    text = hit.text.lower()
    if hit.kind == "table":
        pattern, text = r"\d+\.\d+", text.partition("\n")[2]
    words = re.findall(pattern, text)
    printed_words = set(re.findall(pattern, printed.lower()))
    found = sum(word in printed_words for word in words)
    assert found >= 0.8 * len(words), (hit.text, printed)


def test_search_orders_groups_and_filters_hits(
    library: Client, papers: dict[str, Document]
) -> None:
    hits = library.search("database", collection="upload-to-search", limit=20).hits
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    grouped = library.search("database", collection="upload-to-search", group_by="document").hits
    assert len({hit.document_id for hit in grouped}) == len(grouped)
    only = papers["reading-order"].document_id
    filters = {"document_ids": [only], "page_first": 2, "page_last": 2}
    filtered = library.search("page", collection="upload-to-search", filters=filters).hits
    assert filtered
    assert all(hit.document_id == only for hit in filtered)
    assert all(hit.page_first <= 2 <= hit.page_last for hit in filtered)


def test_download_returns_original_bytes(
    library: Client, papers: dict[str, Document], samples: dict[str, Path], tmp_path: Path
) -> None:
    for name, paper in papers.items():
        copy = library.download(paper.document_id, tmp_path / f"{name}.pdf")
        assert copy.read_bytes() == samples[name].read_bytes()
        assert paper.bytes == samples[name].stat().st_size


def test_contents_api_returns_chunks_sections_and_references(
    http: httpx.Client, library: Client, papers: dict[str, Document], samples: dict[str, Path]
) -> None:
    for name, paper in papers.items():
        assert (paper.title or "").startswith(TITLES[name])
        assert paper.status == "ready"
        chunks = library.chunks(paper.document_id, limit=200).items
        assert [chunk.ordinal for chunk in chunks] == list(range(paper.counts.chunks))
        for chunk in chunks:
            if chunk.kind == "text":
                assert_boxes_cover_text(chunk, samples[name])
        route = f"{API}/documents/{paper.document_id}"
        text = http.get(f"{route}/text").text
        sections = http.get(f"{route}/sections").json()["sections"]
        references = http.get(f"{route}/references").json()["references"]
        assert len(sections) == paper.counts.sections > 2
        assert len(references) == paper.counts.references > 2
        assert all(section["title"] in text for section in sections)


def test_repeated_upload_is_a_duplicate(
    library: Client, papers: dict[str, Document], samples: dict[str, Path]
) -> None:
    known = papers["durable-leases"]
    again = library.upload(samples["durable-leases"], "upload-to-search", filename="again.pdf")
    assert again.duplicate_of == again.document_id == known.document_id
    assert library.wait(again.job_id, 30).status == "completed"
    assert library.document(known.document_id) == known
    chunks = library.chunks(known.document_id, limit=200)
    assert len(chunks.items) == known.counts.chunks and chunks.next_cursor is None


def test_concurrent_uploads_of_same_bytes_create_one_document(
    service: RunningService, library: Client, collection: str
) -> None:
    content = make_paper(f"Concurrent Uploads {collection}")

    def send(number: int) -> tuple[str, str, str | None]:
        with Client(service.url) as client:
            accepted = client.upload(content, collection, filename=f"{number}.pdf")
            return accepted.document_id, accepted.job_id, accepted.duplicate_of

    with ThreadPoolExecutor(10) as pool:
        uploads = list(pool.map(send, range(10)))
    assert len({document for document, _, _ in uploads}) == 1
    assert sum(duplicate is None for _, _, duplicate in uploads) == 1
    for _, job, _ in uploads:
        assert library.wait(job, 120).status == "completed"
    [paper] = library.documents(collection=collection).items
    chunks = library.chunks(paper.document_id, limit=200).items
    assert [chunk.ordinal for chunk in chunks] == list(range(paper.counts.chunks))


def test_reprocessing_opens_new_version_without_duplicate_chunks(
    library: Client, samples: dict[str, Path], collection: str
) -> None:
    first = library.upload(samples["reading-order"], collection)
    library.wait(first.job_id, 120)
    before = library.document(first.document_id)
    again = library.upload(samples["reading-order"], collection, on_duplicate="reprocess")
    assert library.wait(again.job_id, 120).status == "completed"
    after = library.document(first.document_id)
    assert (before.version, after.version) == (1, 2)
    chunks = library.chunks(first.document_id, limit=200).items
    assert len(chunks) == after.counts.chunks == before.counts.chunks
    hits = library.search("columns", collection=collection, limit=200).hits
    assert len({hit.ordinal for hit in hits}) == len(hits)


def test_document_deletion_removes_rows_vectors_and_blobs(
    service: RunningService, http: httpx.Client, library: Client, collection: str
) -> None:
    content = make_paper(f"Deleted {collection}")
    accepted = library.upload(content, collection, filename="deleted.pdf")
    library.wait(accepted.job_id, 120)
    paper = library.document(accepted.document_id)
    assert files_of(service.home, paper.sha256)
    assert files_of(service.home, paper.document_id)
    assert library.search("nanoparticles", collection=collection).hits
    library.delete(paper.document_id)
    for mode in ("hybrid", "dense", "sparse"):
        assert not library.search("nanoparticles", collection=collection, mode=mode).hits
    for rest in ("", "/chunks", "/original", "/text"):
        response = http.get(f"{API}/documents/{paper.document_id}{rest}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    wait_until(lambda: not files_of(service.home, paper.document_id))
    wait_until(lambda: is_trashed(service.home, paper.sha256))
    again = library.upload(content, collection, filename="back.pdf")
    assert again.duplicate_of is None
    assert library.wait(again.job_id, 120).status == "completed"
    assert library.search("nanoparticles", collection=collection).hits


def is_trashed(home: Path, sha256: str) -> bool:
    """True if the PDF is only in the trash."""
    return [path.parts[-3] for path in files_of(home, sha256)] == ["trash"]


def files_of(home: Path, name: str) -> list[Path]:
    """Returns the files of the blob store whose path contains this name."""
    return [path for path in (home / "blobs").rglob("*") if name in str(path) and path.is_file()]


async def test_async_client_uploads_searches_downloads_and_deletes(
    service: RunningService, samples: dict[str, Path], collection: str, tmp_path: Path
) -> None:
    async with AsyncClient(service.url) as client:
        accepted = await client.upload(samples["one-list-from-two"], collection)
        history = []
        job = await client.wait(accepted.job_id, 120, on_progress=history.append)
        assert job.is_final and job.status == "completed" and history[-1] == job
        hits = (await client.search(QUESTIONS["one-list-from-two"], collection=collection)).hits
        assert {hit.document_id for hit in hits} == {accepted.document_id}
        copy = await client.download(accepted.document_id, tmp_path / "copy.pdf")
        assert copy.read_bytes() == samples["one-list-from-two"].read_bytes()
        assert [one.job_id for one in (await client.jobs(collection=collection)).items] == [
            accepted.job_id
        ]
        await client.delete(accepted.document_id)
        assert not (await client.documents(collection=collection)).items
