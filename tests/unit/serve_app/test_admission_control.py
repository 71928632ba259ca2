"""Admission control: each request class has a concurrency limit; excess requests get 503."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from runtime.http_options import HttpOptions
from serve_app.http.admission import request_class
from tests.unit.serve_app.library import API, Library, pdf

ONE_EACH = HttpOptions(
    hosts=["library"], max_uploads=1, max_streams=1, max_images=1, max_requests=1
)


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """A library that admits one concurrent request per class."""
    made = Library(tmp_path, http=ONE_EACH)
    yield made
    await made.http.aclose()


@pytest.mark.parametrize(
    ("method", "path", "query", "kind"),
    [
        ("GET", "/livez", "", None),
        ("GET", "/readyz", "", None),
        ("GET", "/metrics", "", None),
        ("POST", "/api/v1/upload-async", "", "uploads"),
        ("POST", "/api/v1/documents", "", "uploads"),
        ("GET", "/api/v1/documents", "", "requests"),
        ("GET", "/api/v1/jobs/job_1/events", "", "streams"),
        ("GET", "/api/v1/collections/physics/events", "", "streams"),
        ("GET", "/api/v1/jobs/job_1", "wait=60&until=searchable", "streams"),
        ("GET", "/api/v1/jobs/job_1", "", "requests"),
        ("GET", "/api/v1/documents/doc_1/pages/1.png", "dpi=300", "images"),
        ("GET", "/api/v1/documents/doc_1/figures/1.png", "", "images"),
        ("POST", "/api/v1/search", "", "requests"),
        ("GET", "/nowhere", "", "requests"),
    ],
)
def test_admission_control_classifies_requests(
    method: str, path: str, query: str, kind: str | None
) -> None:
    scope = {"method": method, "path": path, "query_string": query.encode()}
    assert request_class(scope) == kind


@asynccontextmanager
async def held_upload(library: Library) -> AsyncIterator[None]:
    """Keeps an upload in progress inside the block; it completes afterwards."""
    resume, started = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield pdf()[:9]
        started.set()
        await resume.wait()
        yield pdf()[9:]

    headers = {"Content-Type": "application/pdf"}
    sending = asyncio.create_task(
        library.http.post(f"{API}/upload-async", content=pieces(), headers=headers)
    )
    await started.wait()
    yield
    resume.set()
    assert (await sending).status_code == 202


async def test_admission_control_rejects_only_the_full_class(library: Library) -> None:
    async with held_upload(library):
        refused = await library.upload(pdf("other"))
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"] and "max_uploads" in refused.json()["detail"]
        assert (await library.http.get("/livez")).status_code == 200
        assert (await library.http.get("/readyz")).status_code == 200
        assert (await library.get("/collections")).status_code == 200
        page = (await library.http.get("/metrics")).text
        assert 'paperworks_http_in_flight{request_class="uploads"} 1.0' in page
        assert 'paperworks_http_rejected_total{request_class="uploads"} 1.0' in page
    assert (await library.upload(pdf("other"))).status_code == 202
    page = (await library.http.get("/metrics")).text
    assert 'paperworks_http_in_flight{request_class="uploads"} 0.0' in page


async def test_admission_control_rejects_before_the_body_is_read(library: Library) -> None:
    async def never() -> AsyncIterator[bytes]:
        if not library.http.is_closed:
            pytest.fail("the body was read")
        yield b""

    async with held_upload(library):
        headers = {"Content-Type": "application/pdf"}
        answer = await library.http.post(f"{API}/upload-async", content=never(), headers=headers)
    assert answer.status_code == 503


async def test_admission_control_releases_slots_of_failed_and_cancelled_requests(
    library: Library,
) -> None:
    job = (await library.upload(pdf())).json()["job_id"]
    waiting = asyncio.create_task(library.get(f"/jobs/{job}", params={"wait": 60}))
    await asyncio.sleep(0.05)  # it is waiting now; otherwise the next line fails
    assert (await library.get(f"/jobs/{job}/events")).status_code == 503
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await library.read_papers()
    assert (await library.get(f"/jobs/{job}/events")).status_code == 200
    for _ in range(3):
        assert (await library.get("/documents/doc_none")).status_code == 404


async def test_readiness_runs_concurrent_checks_once(library: Library) -> None:
    calls = 0

    async def slow() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.1)

    library.checks["database"] = slow
    answers = await asyncio.gather(*(library.http.get("/readyz") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert calls == 1
    assert (await library.http.get("/readyz")).status_code == 200
    assert calls == 2


def test_http_limits_match_the_settings() -> None:
    from configs.settings import Settings

    limits = Settings().http
    assert limits == HttpOptions()
    total = limits.max_uploads + limits.max_streams + limits.max_images + limits.max_requests
    assert limits.max_ongoing_requests > 10 * total
    assert limits.model_copy(update={"max_images": 3}).max_images == 3
