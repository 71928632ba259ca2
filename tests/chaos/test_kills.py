"""SIGKILL while papers are processed: all complete, no chunk is missing or duplicated."""

from __future__ import annotations

import os
import re
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from domain.webhooks import WebhookOptions
from serve_app.client import Client, PaperworksProblem
from serve_app.schemas.core import Job
from tests.addresses import stores_of
from tests.chaos.losses import find_losses
from tests.programs import Driver
from tests.service import RunningService
from tests.small_papers import expected_chunks
from tests.timing import wait_until
from tests.webhook_receiver import receiver

COMPLETION_TIMEOUT_SECONDS = 240.0
RECOVERY_TIMEOUT_SECONDS = 60.0


@pytest.fixture
def library(service: RunningService) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


@pytest.mark.parametrize(
    "process",
    ["job_manager", "embedder", "runner_bulk", "milvus", "postgres", "actor"],
    ids=["JobManager", "embedder", "runner", "Milvus Lite", "PostgreSQL", "owner of the stores"],
)
def test_service_completes_papers_after_process_kill(
    process: str,
    service: RunningService,
    library: Client,
    driver: Driver,
    small_papers: list[Path],
) -> None:
    collection = f"kills-{uuid.uuid4().hex[:8]}"
    job_id = driver.call(
        "submit", paths=[str(path) for path in small_papers], collection=collection
    )
    pid = driver.call("pids")[process]
    wait_for_partial_completion(library, job_id)
    os.kill(pid, signal.SIGKILL)
    job = wait_for_end(library, job_id)
    assert job.status == "completed"
    assert job.counts.completed == len(small_papers)
    expected = expected_chunks(small_papers, collection)
    assert not find_losses(stores_of(service), library, collection, [job_id], expected)
    assert driver.call("describe")["held"] == 0


def wait_for_partial_completion(library: Client, job_id: str) -> None:
    """Returns when four papers are completed and others are not."""
    while (job := library.job(job_id)).counts.completed < 4:
        time.sleep(0.02)
    assert not job.is_final, "the job ended before the fault was injected"


def wait_for_end(library: Client, job_id: str) -> Job:
    """Returns the ended job; 503 is accepted while a store is unavailable."""
    deadline = time.monotonic() + COMPLETION_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            if (job := library.job(job_id, wait_seconds=5)).is_final:
                return job
        except PaperworksProblem as problem:
            assert problem.status == 503, problem
            time.sleep(0.2)
    raise AssertionError(f"Not completed: {library.job(job_id).counts}")


@pytest.mark.parametrize("store", ["postgres", "milvus"])
def test_store_outage_returns_503_and_delays_tasks(
    store: str,
    service: RunningService,
    library: Client,
    driver: Driver,
    small_papers: list[Path],
) -> None:
    collection = f"outage-{uuid.uuid4().hex[:8]}"
    first = library.upload(small_papers[0], collection)
    library.wait(first.job_id, 60)
    os.kill(driver.call("pids")[store], signal.SIGKILL)
    accepted, statuses = request_during_outage(service, small_papers[1], collection)
    assert statuses <= {200, 202, 503}
    assert wait_for_end(library, accepted).status == "completed"
    assert len(library.documents(collection=collection).items) == 2
    hits = library.search("small paper", collection=collection, group_by="document").hits
    assert len(hits) == 2
    assert library.jobs(collection=collection).items


def request_during_outage(
    service: RunningService, paper: Path, collection: str
) -> tuple[str, set[int]]:
    """Sends requests until all routes succeed three times in a row.

    Returns the job of the first accepted upload, and every status that was received.
    """
    statuses: set[int] = set()
    job_id, successes = "", 0
    deadline = time.monotonic() + RECOVERY_TIMEOUT_SECONDS
    with httpx.Client(base_url=service.url, timeout=30) as http:
        while successes < 3 and time.monotonic() < deadline:
            files = {"file": (paper.name, paper.read_bytes())}
            search = {"query": "paper", "collection": collection}
            responses = [
                http.post("/api/v1/upload-async", files=files, data={"collection": collection}),
                http.post("/api/v1/search", json=search),
                http.get("/api/v1/documents", params={"collection": collection}),
                http.get("/api/v1/jobs"),
                http.get("/readyz"),
            ]
            for response in responses:
                statuses.add(response.status_code)
                if response.status_code == 500:
                    pytest.fail(f"{response.request.url}: {response.text}\n{service.output()}")
                if response.status_code == 503:
                    assert int(response.headers["retry-after"]) > 0
                    assert response.headers["content-type"] == "application/problem+json"
            if responses[0].status_code == 202:
                job_id = job_id or responses[0].json()["job_id"]
            succeeded = all(response.is_success for response in responses)
            successes = successes + 1 if succeeded else 0
            time.sleep(0.1)
    assert successes, "the store did not recover"
    return job_id, statuses


def test_blob_store_outage_returns_503_and_delays_tasks(
    service: RunningService, library: Client, driver: Driver, small_papers: list[Path]
) -> None:
    """The blob folder is renamed for five seconds, like a volume that is not mounted."""
    collection = f"files-{uuid.uuid4().hex[:8]}"
    job_id = driver.call(
        "submit", paths=[str(path) for path in small_papers], collection=collection
    )
    wait_for_partial_completion(library, job_id)
    blobs, unmounted = service.home / "blobs", service.home / "blobs.unmounted"
    blobs.rename(unmounted)
    try:
        refused = httpx.post(
            f"{service.url}/api/v1/upload-async", files={"file": ("x.pdf", b"%PDF-1.7 x")}
        )
        time.sleep(5)
        waiting = library.job(job_id)
    finally:
        unmounted.rename(blobs)
    assert (refused.status_code, refused.json()["code"]) == (503, "blob_store_refused")
    assert int(refused.headers["retry-after"]) > 0
    assert waiting.counts.failed == 0 and not waiting.is_final
    job = wait_for_end(library, job_id)
    assert (job.status, job.counts.completed) == ("completed", len(small_papers))
    assert {task.attempt for task in job.tasks} == {1}, "the outage used an attempt"
    expected = expected_chunks(small_papers, collection)
    assert not find_losses(stores_of(service), library, collection, [job_id], expected)


def test_killed_job_manager_loses_no_webhook_delivery(
    service: RunningService, library: Client, driver: Driver, small_papers: list[Path]
) -> None:
    collection = f"webhooks-{uuid.uuid4().hex[:8]}"
    with receiver() as server:
        webhook = library.create_webhook(server.url, [collection])
        server.answers.clear()
        papers = small_papers[:3]  # one more than the attempts of a webhook at a time
        jobs = {library.upload(paper, collection).job_id for paper in papers}
        for job_id in jobs:
            wait_for_end(library, job_id)
        server.wait_for(2)
        os.kill(driver.call("pids")["job_manager"], signal.SIGKILL)
        server.answers.set()

        def are_delivered() -> bool:
            sent = library.deliveries(webhook.webhook_id).items
            return {one.job_id for one in sent if one.status == "delivered"} == jobs

        wait_until(are_delivered, 10 * WebhookOptions().lease_seconds)
        library.delete_webhook(webhook.webhook_id)
    received = {request.verified(webhook.secret)["data"]["job_id"] for request in server.received}
    assert received == jobs
    counted = httpx.get(f"{service.url}/metrics").text
    assert re.search(r'webhook_attempts_total\{outcome="delivered"\} [1-9]', counted)
    assert "paperworks_webhook_deliveries_pending 0.0" in counted
