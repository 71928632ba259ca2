"""Two API processes on one port: requests of one client may reach either, and one of them dies."""

from __future__ import annotations

import os
import re
import signal
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from serve_app.client import Client
from tests.service import SHORT_LEASES, RunningService, ready_service
from tests.timing import wait_until

MAX_CONNECTIONS = 60  # until both have accepted one: fails once in 2^59 runs
RECOVERY_SECONDS = 120.0
JOB_SECONDS = 240.0
UPLOADERS = 4  # clients that upload at the same time
UPLOAD = "/api/v1/upload-async"


@pytest.fixture(scope="module")
def pair(homes: Path, converted_models: Path) -> Iterator[RunningService]:
    """A service with two API processes."""
    options = {"PAPERWORKS_HTTP__REPLICAS": "2", "PAPERWORKS_RAY__DASHBOARD": "off"}
    with ready_service(homes / "pair", converted_models, **options, **SHORT_LEASES) as running:
        yield running


@contextmanager
def one_client_each(service: RunningService) -> Iterator[list[httpx.Client]]:
    """Yields a client for each of the two processes, with an open connection to it."""
    found: dict[int, httpx.Client] = {}
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            client = stack.enter_context(httpx.Client(base_url=service.url, timeout=60))
            found.setdefault(process_of(client), client)
            if len(found) == 2:
                break
        yield list(found.values())
        assert [process_of(client) for client in found.values()] == list(found), "reconnected"


def process_of(client: httpx.Client) -> int:
    """Returns the id of the process that the connection of the client leads to."""
    return client.get("/livez").json()["process"]


def ready_processes(service: RunningService) -> set[int]:
    """Returns the processes that answer /readyz with 200 on 20 new connections."""
    ready = set[int]()
    for _ in range(20):
        try:
            response = httpx.get(f"{service.url}/readyz", timeout=5)
        except httpx.TransportError:
            continue
        if response.status_code == 200:
            ready.add(response.json()["process"])
    return ready


def accepted_uploads(client: httpx.Client) -> int:
    """Returns the number of accepted uploads according to /metrics."""
    found = re.search(r'uploads_total{outcome="accepted"} (\d+)', client.get("/metrics").text)
    return int(found[1]) if found else 0


def upload(
    client: httpx.Client, paper: Path, collection: str, key: str | None = None
) -> dict[str, str]:
    """Uploads a paper and returns the body of the 202."""
    response = client.post(
        UPLOAD,
        files={"file": (paper.name, paper.read_bytes(), "application/pdf")},
        data={"collection": collection},
        headers={"Idempotency-Key": key} if key else {},
    )
    assert response.status_code == 202, response.text
    return response.json()


def test_processes_share_uploads_searches_and_metrics(
    pair: RunningService, small_papers: Sequence[Path]
) -> None:
    with one_client_each(pair) as clients, Client(pair.url) as library:
        before = accepted_uploads(clients[0])
        jobs = [
            upload(client, paper, "shared")["job_id"]
            for client, paper in zip(clients, small_papers, strict=False)
        ]
        assert {library.wait(job, JOB_SECONDS).status for job in jobs} == {"completed"}
        for client in clients:
            response = client.post(
                "/api/v1/search", json={"query": "marker", "collection": "shared"}
            )
            assert response.status_code == 200
            assert {hit["document_id"] for hit in response.json()["hits"]} == {
                library.job(job).tasks[0].document_id for job in jobs
            }
            assert accepted_uploads(client) == before + len(jobs)


def test_event_stream_of_one_process_shows_upload_accepted_by_other(
    pair: RunningService, small_papers: Sequence[Path]
) -> None:
    with one_client_each(pair) as (first, second):
        job = upload(second, small_papers[2], "events")["job_id"]
        with first.stream("GET", f"/api/v1/jobs/{job}/events", timeout=JOB_SECONDS) as stream:
            names = [line.partition(": ")[2] for line in stream.iter_lines() if "event:" in line]
    assert names[-1] == "closed" and len(names) > 3
    with Client(pair.url) as library:
        assert library.job(job).status == "completed"


def test_repeated_idempotency_key_at_other_process_returns_same_job(
    pair: RunningService, small_papers: Sequence[Path]
) -> None:
    key = uuid.uuid4().hex
    with one_client_each(pair) as clients:
        answers = [upload(client, small_papers[3], "keyed", key) for client in clients]
    assert answers[0] == answers[1]


def test_killed_process_loses_no_upload_and_is_replaced(
    pair: RunningService, small_papers: Sequence[Path]
) -> None:
    jobs = list[str]()

    def upload_all(papers: Sequence[Path]) -> None:
        with Client(pair.url) as library:
            library.jobs()  # a client that was never answered does not repeat a refused connection
            jobs.extend(library.upload(paper, "killed").job_id for paper in papers)

    with one_client_each(pair) as clients:
        victim, survivor = map(process_of, clients)
    with ThreadPoolExecutor(UPLOADERS) as pool:
        uploads = [pool.submit(upload_all, small_papers[n::UPLOADERS]) for n in range(UPLOADERS)]
        wait_until(lambda: len(jobs) >= 2, JOB_SECONDS, 0.01)
        os.kill(victim, signal.SIGKILL)
    for one in uploads:
        one.result()  # raises the error of a failed upload
    assert len(jobs) == len(small_papers)
    with Client(pair.url) as library:
        assert {library.wait(job, JOB_SECONDS).status for job in jobs} == {"completed"}
    wait_until(lambda: len(ready_processes(pair)) == 2, RECOVERY_SECONDS, 0.5)
    assert victim not in (now := ready_processes(pair)) and survivor in now
