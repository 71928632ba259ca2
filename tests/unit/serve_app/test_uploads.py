"""Uploads: accepted files, rejected files, and what is stored."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.errors import DatabaseUnavailable
from domain.jobs import Upload
from stores.blobs.blob_store import pdf_key
from tests.unit.serve_app.library import API, Library, pdf

FIELDS = {"success", "message", "job_id", "task_id", "filename", "status_endpoint"}


async def test_upload_returns_documented_fields(library: Library) -> None:
    answer = await library.upload(pdf(), "paper.pdf")
    body = answer.json()
    assert answer.status_code == 202
    assert body.keys() == FIELDS | {"document_id", "duplicate_of"}
    assert body["success"] is True
    assert body["status_endpoint"] == f"/jobs/{body['job_id']}"
    assert uuid.UUID(body["task_id"])
    assert body["duplicate_of"] is None
    assert library.wake_calls == 1


async def test_upload_uses_default_collection(library: Library) -> None:
    body = (await library.upload(pdf())).json()
    document = (await library.get(f"/documents/{body['document_id']}")).json()
    assert document["collection"] == "default"


@pytest.mark.parametrize("after", [False, True])
async def test_upload_accepts_collection_before_or_after_the_file(
    library: Library, after: bool
) -> None:
    field = part('name="collection"', b"physics")
    file = part('name="file"; filename="a.pdf"', pdf(filler=5000))
    answer = await post_form(library, [file, field] if after else [field, file])
    document = (await library.get(f"/documents/{answer.json()['document_id']}")).json()
    assert document["collection"] == "physics"


async def test_upload_reassembles_body_from_small_chunks(library: Library) -> None:
    content = pdf(filler=3000)
    form = form_of([part('name="file"; filename="a.pdf"', content)])

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(form), 7):
            yield form[start : start + 7]

    answer = await library.http.post(f"{API}/upload-async", content=pieces(), headers=FORM)
    original = await library.get(f"/documents/{answer.json()['document_id']}/original")
    assert original.content == content


async def test_raw_pdf_upload_takes_options_from_the_query(library: Library) -> None:
    answer = await library.http.post(
        f"{API}/upload-async?filename=raw.pdf&collection=raw",
        content=pdf(),
        headers={"content-type": "application/pdf"},
    )
    assert answer.status_code == 202
    assert answer.json()["filename"] == "raw.pdf"
    listed = (await library.get("/documents?collection=raw")).json()
    assert len(listed["items"]) == 1


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        ('filename="../../etc/passwd.pdf"', "passwd.pdf"),
        (r'filename="C:\\temp\\a.pdf"', "a.pdf"),
        (f'filename="{"n" * 300}.pdf"', "n" * 255),
        ('filename="🎉 näive.pdf"', "🎉 näive.pdf"),
        ('filename="two%0D%0Alines %22quoted%22.pdf"', 'two lines "quoted".pdf'),
        (r'filename="say \"hi\".pdf"', 'say "hi".pdf'),
        ("filename*=UTF-8''%C3%BCber%20uns.pdf", "über uns.pdf"),
        ('filename=""', "untitled.pdf"),
        ('filename=".."', "untitled.pdf"),
        ('filename="a\x01b\x7f.pdf"', "a b .pdf"),
    ],
)
async def test_upload_sanitizes_filename_and_ignores_it_on_disk(
    library: Library, sent: str, label: str
) -> None:
    answer = await post_form(library, [part(f'name="file"; {sent}', pdf())])
    assert answer.status_code == 202
    assert answer.json()["filename"] == label
    kept = [path for path in library.folder.rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert kept[0].parent.is_relative_to(library.folder / "blobs" / "pdf")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "empty_file"),
        (b"hello", 415, "not_a_pdf"),
        (b"x" * 2000 + b"%PDF-1.7", 415, "not_a_pdf"),
        (pdf(filler=100_000), 413, "file_too_large"),
        (pdf(filler=900_000), 413, "file_too_large"),
    ],
)
async def test_upload_rejects_invalid_file_and_keeps_nothing(
    library: Library, content: bytes, status: int, code: str
) -> None:
    answer = await library.upload(content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert files_in(library.folder) == []
    assert (await library.get("/jobs")).json()["items"] == []
    assert library.wake_calls == 0


async def test_upload_rejects_large_content_length_before_reading(library: Library) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {**FORM, "content-length": "900000"}
    answer = await library.http.post(f"{API}/upload-async", content=pieces(), headers=headers)
    assert answer.status_code == 413


async def test_upload_stops_reading_chunked_body_at_the_limit(library: Library) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-'
        while True:
            sent += 1000
            yield b"x" * 1000

    answer = await library.http.post(f"{API}/upload-async", content=pieces(), headers=FORM)
    assert answer.json()["code"] == "file_too_large"
    assert sent < 110_000
    assert files_in(library.folder) == []


@pytest.mark.parametrize("name", ["a b", "ü", "x" * 129, "../up", 'a"b'])
async def test_upload_rejects_invalid_collection_name(library: Library, name: str) -> None:
    answer = await library.upload(pdf(), collection=name)
    assert answer.status_code == 422
    assert "128 letters" in answer.json()["detail"]
    assert (await library.get("/jobs")).json()["items"] == []


async def test_upload_rejects_invalid_duplicate_policy(library: Library) -> None:
    answer = await library.upload(pdf(), on_duplicate="perhaps")
    assert answer.status_code == 422
    assert "reprocess" in answer.json()["detail"]


async def test_upload_without_file_names_the_field(library: Library) -> None:
    answer = await post_form(library, [part('name="collection"', b"physics")])
    assert (answer.status_code, answer.json()["code"]) == (422, "missing_file")
    assert "`file`" in answer.json()["detail"]


async def test_single_upload_rejects_two_files(library: Library) -> None:
    file = part('name="file"; filename="a.pdf"', pdf())
    answer = await post_form(library, [file, file])
    assert answer.status_code == 422
    assert "/api/v1/documents" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{}", "application/json", 415, "unsupported_media_type"),
        (b"", "", 415, "unsupported_media_type"),
        (b"nonsense", "multipart/form-data; boundary=b", 400, "malformed_request"),
        (b"nonsense", "multipart/form-data", 400, "malformed_request"),
        (b"", f"multipart/form-data; boundary={'b' * 300}", 400, "malformed_request"),
        (b"--b\r\nContent-Dis", "multipart/form-data; boundary=b", 400, "malformed_request"),
    ],
)
async def test_upload_rejects_unsupported_and_malformed_bodies(
    library: Library, content: bytes, content_type: str, status: int, code: str
) -> None:
    answer = await library.http.post(
        f"{API}/upload-async", content=content, headers={"content-type": content_type}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_upload_of_truncated_file_keeps_nothing(library: Library) -> None:
    body = form_of([part('name="file"; filename="a.pdf"', pdf(filler=2000))])[:-500]
    answer = await library.http.post(f"{API}/upload-async", content=body, headers=FORM)
    assert answer.json()["code"] == "malformed_request"
    assert files_in(library.folder) == []


async def test_upload_reports_duplicate_document(library: Library) -> None:
    first = (await library.upload(pdf(), "one.pdf")).json()
    await library.read_papers()
    second = (await library.upload(pdf(), "two.pdf")).json()
    assert second["duplicate_of"] == second["document_id"] == first["document_id"]
    assert second["job_id"] != first["job_id"]
    assert (await library.get(f"/jobs/{second['job_id']}")).json()["status"] == "completed"
    elsewhere = (await library.upload(pdf(), collection="other")).json()
    assert elsewhere["duplicate_of"] is None


async def test_upload_with_reject_policy_returns_409_for_duplicate(library: Library) -> None:
    await library.upload(pdf())
    answer = await library.upload(pdf(), on_duplicate="reject")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_batch_upload_creates_one_job_and_lists_results(library: Library) -> None:
    files = [("a.pdf", pdf("a")), ("b.txt", b"text"), ("c.pdf", pdf("c")), ("d.pdf", b"")]
    answer = await library.upload_many(files, collection="many")
    body = answer.json()
    assert answer.status_code == 202
    assert [item["filename"] for item in body["accepted"]] == ["a.pdf", "c.pdf"]
    assert [(item["filename"], item["code"]) for item in body["refused"]] == [
        ("b.txt", "not_a_pdf"),
        ("d.pdf", "empty_file"),
    ]
    job = (await library.get(f"/jobs/{body['job_id']}")).json()
    assert job["counts"]["total"] == 2
    assert job["collection"] == "many"


async def test_batch_upload_skips_large_file(library: Library) -> None:
    answer = await library.upload_many([("big.pdf", pdf(filler=150_000)), ("a.pdf", pdf())])
    body = answer.json()
    assert [item["code"] for item in body["refused"]] == ["file_too_large"]
    assert [item["filename"] for item in body["accepted"]] == ["a.pdf"]


async def test_batch_upload_bounds_reading_of_rejected_files(library: Library) -> None:
    big = [(f"{n}.pdf", pdf(filler=190_000)) for n in range(3)]
    answer = await library.upload_many(big)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


async def test_batch_upload_returns_first_problem_when_all_are_rejected(library: Library) -> None:
    answer = await library.upload_many([("a.txt", b"text"), ("b.pdf", b"")])
    assert (answer.status_code, answer.json()["code"]) == (415, "not_a_pdf")
    assert [item["filename"] for item in answer.json()["refused"]] == ["a.txt", "b.pdf"]


async def test_batch_upload_rejects_too_many_files(library: Library) -> None:
    answer = await library.upload_many([(f"{n}.pdf", pdf(str(n))) for n in range(6)])
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_files")
    assert (await library.get("/jobs")).json()["items"] == []


async def test_upload_lane_depends_on_number_of_files(tmp_path: Path) -> None:
    library = Library(tmp_path, upload_bytes=1000, files=50)
    await library.upload_many([("a.pdf", pdf("a")), ("b.pdf", pdf("b"))])
    await library.upload_many([(f"{n}.pdf", pdf(str(n))) for n in range(20)])
    depths = await library.stores.queue.depths()
    assert depths == {("interactive", "queued"): 2, ("bulk", "queued"): 20}


async def test_idempotency_key_repeats_the_first_response(library: Library) -> None:
    key = {"Idempotency-Key": "monday"}
    files = [("a.pdf", pdf("a")), ("b.pdf", pdf("b"))]
    first = (await library.upload_many(files, key)).json()
    await library.read_papers()
    again = (await library.upload_many(files, key)).json()
    assert again == first
    assert len((await library.get("/jobs")).json()["items"]) == 1
    other = (await library.upload_many(files, key, collection="other")).json()
    assert other["job_id"] != first["job_id"]


async def test_upload_is_durable_before_its_job_is_committed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    seen: list[tuple[bool, bool]] = []
    fsync, admit = os.fsync, library.stores.jobs.admit

    async def look_and_admit(
        collection: str, uploads: Sequence[Upload], before_commit: Any, **options: Any
    ):
        async def commit() -> None:
            await before_commit()
            stored = all(library.blobs.exists(pdf_key(item.sha256)) for item in uploads)
            seen.append((stored, len(synced) >= 2))  # the file and its directory
            assert not library.stores.state.jobs

        return await admit(collection, uploads, before_commit=commit, **options)

    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(handle), fsync(handle))[1])
    monkeypatch.setattr(library.stores.jobs, "admit", look_and_admit)
    assert (await library.upload(pdf())).status_code == 202
    assert seen == [(True, True)]


async def test_upload_is_rejected_without_the_database(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_away(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(library.stores.jobs, "admit", is_away)
    answer = await library.upload(pdf())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await library.get("/jobs")).json()["items"] == []


async def test_upload_metrics_count_outcomes(library: Library) -> None:
    await library.upload(pdf())
    await library.upload(b"text")
    await library.upload_many([("a.pdf", pdf()), ("b.pdf", b"")])
    page = (await library.http.get("/metrics")).text
    for outcome in ("accepted", "duplicate", "not_a_pdf", "empty_file"):
        assert f'paperworks_uploads_total{{outcome="{outcome}"}} 1.0' in page


FORM = {"content-type": "multipart/form-data; boundary=b"}


def part(disposition: str, content: bytes) -> bytes:
    head = f"Content-Disposition: form-data; {disposition}\r\n\r\n".encode()
    return b"--b\r\n" + head + content + b"\r\n"


def form_of(parts: list[bytes]) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


async def post_form(library: Library, parts: list[bytes]) -> httpx.Response:
    return await library.http.post(f"{API}/upload-async", content=form_of(parts), headers=FORM)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
