"""kill -9 in the middle of forty papers: all of them complete, no chunk twice, none missing."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serve_app.client import Client, PaperworksProblem
from serve_app.schemas.core import Job
from tests.chaos.losses import losses
from tests.crowd import undisturbed_chunks
from tests.service import Driver, RunningService

WITHIN_SECONDS = 240.0


@pytest.fixture
def library(service: RunningService) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


@pytest.mark.parametrize(
    "victim",
    ["job_manager", "embedder", "runner_bulk", "milvus", "postgres", "actor"],
    ids=["JobManager", "embedder", "runner", "Milvus Lite", "PostgreSQL", "owner of the stores"],
)
def test_service_completes_papers_after_process_kill(
    victim: str,
    service: RunningService,
    library: Client,
    driver: Driver,
    crowd: list[Path],
) -> None:
    collection = f"crowd-{uuid.uuid4().hex[:8]}"
    job_id = driver.ask("submit", paths=[str(path) for path in crowd], collection=collection)
    pid = driver.ask("pids")[victim]
    wait_until_some_are_done(library, job_id)
    os.kill(pid, signal.SIGKILL)
    job = patient_wait(library, job_id)
    assert job.status == "completed"
    assert job.counts.completed == len(crowd)
    undisturbed = undisturbed_chunks(crowd, collection)
    assert not losses(service, library, collection, [job_id], undisturbed)
    assert driver.ask("describe")["held"] == 0


def wait_until_some_are_done(library: Client, job_id: str) -> None:
    """Returns in the middle of the work: some papers are searchable, others are not."""
    while (job := library.job(job_id)).counts.completed < 4:
        time.sleep(0.02)
    assert not job.is_final, "the work was done before anybody could disturb it"


def patient_wait(library: Client, job_id: str) -> Job:
    """The job when it has ended; while a store is away the service may say so, with a 503."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            if (job := library.job(job_id, wait_seconds=5)).is_final:
                return job
        except PaperworksProblem as problem:
            assert problem.status == 503, problem
            time.sleep(0.2)
    raise AssertionError(f"Not done: {library.job(job_id).counts}")


@pytest.mark.parametrize("victim", ["postgres", "milvus"])
def test_store_outage_returns_503_and_delays_tasks(
    victim: str,
    service: RunningService,
    library: Client,
    driver: Driver,
    crowd: list[Path],
) -> None:
    collection = f"away-{uuid.uuid4().hex[:8]}"
    first = library.upload(crowd[0], collection)
    library.wait(first.job_id, 60)
    os.kill(driver.ask("pids")[victim], signal.SIGKILL)
    accepted, seen = ask_while_away(service, crowd[1], collection)
    assert seen <= {200, 202, 503}
    assert patient_wait(library, accepted).status == "completed"
    assert len(library.documents(collection=collection).items) == 2
    hits = library.search("paper of the crowd", collection=collection, group_by="document").hits
    assert len(hits) == 2
    assert library.jobs(collection=collection).items


def ask_while_away(service: RunningService, paper: Path, collection: str) -> tuple[str, set[int]]:
    """The job of an upload that was accepted, and every status that was seen until all is well."""
    seen: set[int] = set()
    job_id, well = "", 0
    deadline = time.monotonic() + 60
    with httpx.Client(base_url=service.url, timeout=30) as http:
        while well < 3 and time.monotonic() < deadline:
            files = {"file": (paper.name, paper.read_bytes())}
            wishes = {"collection": collection, "query": "crowd"}
            search = {"query": "crowd", "collection": collection}
            answers = [
                http.post("/api/v1/upload-async", files=files, data=wishes),
                http.post("/api/v1/search", json=search),
                http.get("/api/v1/documents", params={"collection": collection}),
                http.get("/api/v1/jobs"),
                http.get("/readyz"),
            ]
            for answer in answers:
                seen.add(answer.status_code)
                if answer.status_code == 503:
                    assert int(answer.headers["retry-after"]) > 0
                    assert answer.headers["content-type"] == "application/problem+json"
            if answers[0].status_code == 202:
                job_id = job_id or answers[0].json()["job_id"]
            well = well + 1 if all(answer.is_success for answer in answers) else 0
            time.sleep(0.1)
    assert well, "the store did not come back"
    return job_id, seen


def test_blob_store_outage_returns_503_and_delays_tasks(
    service: RunningService, library: Client, driver: Driver, crowd: list[Path]
) -> None:
    """As when the volume of the blob store is not mounted for a while."""
    collection = f"files-{uuid.uuid4().hex[:8]}"
    job_id = driver.ask("submit", paths=[str(path) for path in crowd], collection=collection)
    wait_until_some_are_done(library, job_id)
    blobs, away = service.home / "blobs", service.home / "blobs.away"
    blobs.rename(away)
    try:
        refused = httpx.post(
            f"{service.url}/api/v1/upload-async", files={"file": ("x.pdf", b"%PDF-1.7 x")}
        )
        time.sleep(5)
        waiting = library.job(job_id)
    finally:
        away.rename(blobs)
    assert (refused.status_code, refused.json()["code"]) == (503, "blob_store_refused")
    assert int(refused.headers["retry-after"]) > 0
    assert waiting.counts.failed == 0 and not waiting.is_final
    job = patient_wait(library, job_id)
    assert (job.status, job.counts.completed) == ("completed", len(crowd))
    assert {task.attempt for task in job.tasks} == {1}, "waiting was charged"
    undisturbed = undisturbed_chunks(crowd, collection)
    assert not losses(service, library, collection, [job_id], undisturbed)
