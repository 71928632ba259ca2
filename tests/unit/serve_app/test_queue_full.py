"""A collection with enough work: 429, nothing kept, and clients that wait."""

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
    """A library with room for two unfinished papers in a collection, of which there are two."""
    made = Library(tmp_path, queue_limit=LIMIT)
    for name in ("one", "two"):
        assert (await made.upload(pdf(name), collection="full")).status_code == 202
    made.woken, made.worker_rests = 0, True
    yield made
    await made.http.aclose()


def is_full(answer: httpx.Response) -> bool:
    """Whether the answer is the problem of a full queue, with all that belongs to it."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == str(body["retry_after_seconds"]) == "10"
    assert "Nothing of this request was kept" in body["detail"]
    return (answer.status_code, body["code"]) == (429, "queue_full")


def kept(library: Library) -> int:
    return sum(path.is_file() for path in library.folder.rglob("*"))


async def nobody_reads() -> AsyncIterator[bytes]:
    raise AssertionError("the body was read")
    yield b""


async def test_every_way_in_is_closed_and_nothing_is_kept(library: Library) -> None:
    [task, *_] = await library.stores.jobs.tasks(await first_job(library))
    again = f"{API}/documents/{task.document_id}/reingest"
    answers = [
        await library.upload(pdf("three"), collection="full"),
        await library.upload_many([("a.pdf", pdf("a")), ("b.pdf", pdf("b"))], collection="full"),
        await library.http.post(again),
    ]
    assert all(map(is_full, answers))
    assert kept(library) == LIMIT
    assert len((await library.get("/jobs")).json()["items"]) == LIMIT
    assert library.woken == 0


async def first_job(library: Library) -> str:
    return (await library.get("/jobs")).json()["items"][0]["job_id"]


async def test_other_collections_stay_open_and_work_that_ends_makes_room(library: Library) -> None:
    assert (await library.upload(pdf("three"), collection="other")).status_code == 202
    await library.read_papers()
    library.stores.jobs.admission_limit._known.clear()  # a second has passed
    assert (await library.upload(pdf("three"), collection="full")).status_code == 202


async def test_a_raw_pdf_is_refused_before_its_body_is_read(library: Library) -> None:
    answer = await library.http.post(
        f"{API}/upload-async?collection=full",
        content=nobody_reads(),
        headers={"content-type": "application/pdf"},
    )
    assert is_full(answer)


async def test_a_form_that_names_its_collection_first_is_not_read_on(library: Library) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="collection"\r\n\r\nfull\r\n' + HEAD
        for _ in range(80):
            sent += 1000
            yield b"x" * 1000
        yield b"\r\n--b--\r\n"

    answer = await library.http.post(f"{API}/upload-async", content=pieces(), headers=FORM)
    assert is_full(answer)
    assert sent < 5000


async def test_a_form_that_names_its_collection_last_is_refused_too(library: Library) -> None:
    name = b'\r\n--b\r\nContent-Disposition: form-data; name="collection"\r\n\r\nfull\r\n--b--\r\n'
    answer = await library.http.post(f"{API}/upload-async", content=HEAD + name, headers=FORM)
    assert is_full(answer)
    assert len((await library.get("/jobs")).json()["items"]) == LIMIT


async def test_a_request_that_was_admitted_is_answered_again_although_it_is_full(
    library: Library,
) -> None:
    key, files = {"Idempotency-Key": "monday"}, [("a.pdf", pdf("a")), ("b.pdf", pdf("b"))]
    first = await library.upload_many(files, key, collection="keyed")
    again = await library.upload_many(files, key, collection="keyed")
    assert (again.status_code, again.json()) == (202, first.json())
    other = await library.upload_many(files, {"Idempotency-Key": "x"}, collection="keyed")
    assert is_full(other)


async def test_refusals_are_counted(library: Library) -> None:
    await library.upload(pdf("three"), collection="full")
    page = (await library.http.get("/metrics")).text
    assert 'paperworks_uploads_total{outcome="queue_full"} 1.0' in page


def test_a_client_waits_as_long_as_it_is_asked_to(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("serve_app.client.client.time.sleep", pauses.append)
    with Client(url, retries=2) as client, pytest.raises(PaperworksProblem) as problem:
        client.upload(pdf("three"), "full", filename="three.pdf")
    assert (problem.value.status, problem.value.code) == (429, "queue_full")
    assert pauses == [10, 10]
