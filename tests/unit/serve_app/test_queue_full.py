"""A collection at its queue limit: uploads get 429, nothing is kept, and clients back off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from serve_app.client import Client, PaperworksProblem
from tests.unit.serve_app.library import API, Library, pdf

LIMIT = 2
FORM = {"content-type": "multipart/form-data; boundary=b"}
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7'


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """A library whose collection `full` holds as many unfinished papers as the limit allows."""
    library = Library(tmp_path, queue_limit=LIMIT)
    for name in ("one", "two"):
        assert (await library.upload(pdf(name), collection="full")).status_code == 202
    library.wake_calls, library.worker_paused = 0, True
    yield library
    await library.http.aclose()


def is_full(response: httpx.Response) -> bool:
    """True for a complete `queue_full` problem."""
    body = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == str(body["retry_after_seconds"]) == "10"
    assert "Nothing of this request was kept" in body["detail"]
    return (response.status_code, body["code"]) == (429, "queue_full")


def stored_files(library: Library) -> int:
    return sum(path.is_file() for path in library.folder.rglob("*"))


async def unread_body() -> AsyncIterator[bytes]:
    raise AssertionError("the body was read")
    yield b""


async def test_full_queue_rejects_every_upload_route_and_keeps_nothing(library: Library) -> None:
    [task, *_] = await library.stores.jobs.tasks(await first_job(library))
    reingest = f"{API}/documents/{task.document_id}/reingest"
    responses = [
        await library.upload(pdf("three"), collection="full"),
        await library.upload_many([("a.pdf", pdf("a")), ("b.pdf", pdf("b"))], collection="full"),
        await library.http.post(reingest),
    ]
    assert all(map(is_full, responses))
    assert stored_files(library) == LIMIT
    assert len((await library.get("/jobs")).json()["items"]) == LIMIT
    assert library.wake_calls == 0


async def first_job(library: Library) -> str:
    return (await library.get("/jobs")).json()["items"][0]["job_id"]


async def test_full_queue_is_per_collection_and_drains(library: Library) -> None:
    assert (await library.upload(pdf("three"), collection="other")).status_code == 202
    await library.read_papers()
    library.stores.jobs.admission_limit._known.clear()  # a second has passed
    assert (await library.upload(pdf("three"), collection="full")).status_code == 202


async def test_full_queue_rejects_raw_pdf_before_reading(library: Library) -> None:
    response = await library.http.post(
        f"{API}/upload-async?collection=full",
        content=unread_body(),
        headers={"content-type": "application/pdf"},
    )
    assert is_full(response)


async def test_full_queue_stops_reading_form_with_leading_collection(library: Library) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="collection"\r\n\r\nfull\r\n' + HEAD
        for _ in range(80):
            sent += 1000
            yield b"x" * 1000
        yield b"\r\n--b--\r\n"

    response = await library.http.post(f"{API}/upload-async", content=chunks(), headers=FORM)
    assert is_full(response)
    assert sent < 5000


async def test_full_queue_rejects_form_with_trailing_collection(library: Library) -> None:
    collection = (
        b'\r\n--b\r\nContent-Disposition: form-data; name="collection"\r\n\r\nfull\r\n--b--\r\n'
    )
    response = await library.http.post(
        f"{API}/upload-async", content=HEAD + collection, headers=FORM
    )
    assert is_full(response)
    assert len((await library.get("/jobs")).json()["items"]) == LIMIT


async def test_full_queue_repeats_response_of_admitted_request(
    library: Library,
) -> None:
    key, files = {"Idempotency-Key": "monday"}, [("a.pdf", pdf("a")), ("b.pdf", pdf("b"))]
    first = await library.upload_many(files, key, collection="keyed")
    again = await library.upload_many(files, key, collection="keyed")
    assert (again.status_code, again.json()) == (202, first.json())
    other = await library.upload_many(files, {"Idempotency-Key": "x"}, collection="keyed")
    assert is_full(other)


async def test_full_queue_rejections_are_counted(library: Library) -> None:
    await library.upload(pdf("three"), collection="full")
    metrics = (await library.http.get("/metrics")).text
    assert 'paperworks_uploads_total{outcome="queue_full"} 1.0' in metrics


def test_client_waits_for_retry_after_of_full_queue(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("serve_app.client.sync_client.time.sleep", pauses.append)
    with Client(url, retries=2) as client, pytest.raises(PaperworksProblem) as problem:
        client.upload(pdf("three"), "full", filename="three.pdf")
    assert (problem.value.status, problem.value.code) == (429, "queue_full")
    assert pauses == [10, 10]
