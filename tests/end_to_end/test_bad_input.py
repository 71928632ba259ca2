"""Invalid input gets a stable error code: in the response if possible, otherwise in the task."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from serve_app.client import Client
from tests.conftest import UPLOAD_LIMIT_BYTES
from tests.pdf_builder.pages import make_pages
from tests.pdf_builder.papers import make_paper
from tests.service import RunningService

API = "/api/v1"
UPLOAD = f"{API}/upload-async"
ZERO_PAGES = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
OVER_THE_LIMIT = b"%PDF-1.7\n" + bytes(UPLOAD_LIMIT_BYTES)


def assert_problem(response: httpx.Response, status: int, code: str) -> None:
    """Asserts that the response is problem JSON with this status and code."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail", "request_id"} <= body.keys()
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    assert len(body["detail"]) > 20


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"PK\x03\x04 a Word file", 415, "not_a_pdf"),
        (b"", 400, "empty_file"),
        (OVER_THE_LIMIT, 413, "file_too_large"),
        (OVER_THE_LIMIT + bytes(100_000), 413, "file_too_large"),
    ],
    ids=["not a PDF", "empty", "too large", "too large by Content-Length"],
)
def test_upload_rejects_invalid_file_with_stable_code(
    http: httpx.Client, collection: str, content: bytes, status: int, code: str
) -> None:
    files = {"file": ("a.pdf", content)}
    response = http.post(UPLOAD, files=files, data={"collection": collection})
    assert_problem(response, status, code)
    assert not http.get(f"{API}/documents", params={"collection": collection}).json()["items"]


def test_upload_without_content_length_is_limited(http: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:
        for start in range(0, len(OVER_THE_LIMIT), 65_536):
            yield OVER_THE_LIMIT[start : start + 65_536]

    response = http.post(UPLOAD, content=parts(), headers={"Content-Type": "application/pdf"})
    assert_problem(response, 413, "file_too_large")


def test_unreadable_document_fails_with_code_after_one_attempt(
    library: Client, collection: str
) -> None:
    invalid = {
        "password_protected": make_paper(password="secret"),
        "damaged_pdf": b"%PDF-1.7\nno objects here at all",
        "no_pages": ZERO_PAGES,
        "no_text": make_pages("", ""),
    }
    accepted = {
        code: library.upload(content, collection, filename=f"{code}.pdf")
        for code, content in invalid.items()
    }
    good = library.upload(make_paper(), collection, filename="good.pdf")
    for code, upload in accepted.items():
        job = library.wait(upload.job_id, 120)
        [task] = job.tasks
        assert job.status == task.status == "failed"
        assert task.error is not None and job.error == task.error
        assert (task.error.code, task.error.category) == (code, "document")
        assert not task.error.retryable and task.attempt == 1
        assert library.document(upload.document_id).status == "failed"
    assert library.wait(good.job_id, 120).status == "completed"
    assert len(library.search("silver", collection=collection, group_by="document").hits) == 1


@pytest.mark.parametrize(
    "filename",
    [
        "../../etc/passwd.pdf",
        "/etc/passwd.pdf",
        "..\\..\\windows\\system.pdf",
        "x" * 300 + ".pdf",
        "papier 📄 №1.pdf",
        'line\nbreak and "quotes".pdf',
        "' OR 1=1; DROP TABLE documents; --.pdf",
        "%00%2e%2e%2f.pdf",
        ".",
    ],
)
def test_upload_never_uses_filename_as_path(
    service: RunningService, library: Client, collection: str, filename: str
) -> None:
    before = {path.name for path in service.home.parent.iterdir()}
    accepted = library.upload(make_pages(f"A page of {collection}."), collection, filename=filename)
    assert library.wait(accepted.job_id, 60).status == "completed"
    paper = library.document(accepted.document_id)
    assert paper.filename == accepted.filename
    assert "\n" not in paper.filename and len(paper.filename) <= 300
    [chunk] = library.chunks(paper.document_id).items
    assert chunk.filename == paper.filename
    assert {path.name for path in service.home.parent.iterdir()} == before
    blobs = [path.name for path in (service.home / "blobs").rglob("*") if path.is_file()]
    assert all(re.fullmatch(r"[0-9a-z_.\-]+", name) for name in blobs)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"query": ""}, 422, "invalid_request"),
        ({"query": " \n"}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
        ({"query": "x" * 5000}, 422, "invalid_request"),
        ({"query": "a\0b"}, 422, "invalid_request"),
        ({"query": "a", "filters": {"document_ids": ["doc_x"]}}, 422, "invalid_request"),
        ({"query": "a", "collection": "unknown-collection"}, 404, "unknown_collection"),
        ({"query": "a", "collection": '"; drop'}, 422, "invalid_request"),
        ({"query": "a", "filters": {"colour": "red"}}, 422, "invalid_request"),
        ({"query": "a", "filters": {"page_first": 9, "page_last": 2}}, 422, "invalid_request"),
        ({"query": "a", "filters": {"kinds": ["poem"]}}, 422, "invalid_request"),
        ({"query": "a", "mode": "psychic"}, 422, "invalid_request"),
        ({"query": "a", "limit": 0}, 422, "invalid_request"),
        ({"query": "a", "group_by": "author"}, 422, "invalid_request"),
    ],
)
def test_search_rejects_invalid_request(
    http: httpx.Client, request_: dict[str, Any], status: int, code: str
) -> None:
    assert_problem(http.post(f"{API}/search", json=request_), status, code)


@pytest.mark.parametrize(
    "query", ['"', "\\", "a' or 1 == 1", "{}[]()", "%", "\u0001", "🦜", "the of and", "x" * 4000]
)
@pytest.mark.parametrize("mode", ["hybrid", "dense", "sparse"])
def test_search_accepts_special_characters(http: httpx.Client, query: str, mode: str) -> None:
    response = http.post(f"{API}/search", json={"query": query, "mode": mode})
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/jobs/job_0000000000000000", 404, "not_found"),
        ("GET", "/documents/doc_nothing", 404, "not_found"),
        ("DELETE", "/documents/doc_nothing", 404, "not_found"),
        ("GET", "/documents?cursor=nonsense", 422, "invalid_request"),
        ("GET", "/jobs?status=sleeping", 422, "invalid_request"),
        ("GET", "/nowhere", 404, "unknown_route"),
        ("POST", "/search", 422, "invalid_request"),
        ("POST", "/upload-async", 415, "unsupported_media_type"),
    ],
)
def test_api_errors_are_problem_json(
    http: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    assert_problem(http.request(method, API + path), status, code)
