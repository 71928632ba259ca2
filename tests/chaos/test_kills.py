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

from configs.settings import Settings
from pipelines.chunk import split_paper
from pipelines.encoders.load import resolve_model
from pipelines.steps import read_whole
from pipelines.tokens import token_counter
from serve_app.client import Client, PaperworksProblem
from serve_app.schemas import Job
from tests.service import Driver, RunningService

WITHIN_SECONDS = 240.0
Chunks = list[tuple[int, str]]


@pytest.fixture(scope="module")
def undisturbed(crowd: list[Path]) -> dict[str, Chunks]:
    """Ordinal and text of every chunk of each paper, as read and cut in this process."""
    settings = Settings().model
    count_tokens = token_counter(resolve_model(settings.name) / "tokenizer.json")
    cut = {}
    for path in crowd:
        chunks = split_paper(
            read_whole(path),
            document_id="doc",
            version=1,
            count_tokens=count_tokens,
            max_tokens=settings.max_tokens,
        )
        cut[path.name] = [(chunk.ordinal, chunk.text) for chunk in chunks]
    return cut


@pytest.fixture
def library(service: RunningService) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


@pytest.mark.parametrize(
    "victim",
    ["job_manager", "embedder", "runner_bulk", "milvus", "postgres", "actor"],
    ids=["JobManager", "embedder", "runner", "Milvus Lite", "PostgreSQL", "owner of the stores"],
)
def test_forty_papers_survive_the_death_of(
    victim: str,
    library: Client,
    driver: Driver,
    crowd: list[Path],
    undisturbed: dict[str, Chunks],
) -> None:
    collection = f"crowd-{uuid.uuid4().hex[:8]}"
    job_id = driver.ask("submit", paths=[str(path) for path in crowd], collection=collection)
    pid = driver.ask("pids")[victim]
    wait_until_some_are_done(library, job_id)
    os.kill(pid, signal.SIGKILL)
    job = patient_wait(library, job_id)
    assert job.status == "completed"
    assert job.counts.completed == len(crowd)
    assert all(task.attempt <= task.max_attempts for task in job.tasks)
    assert chunks_of(library, collection) == undisturbed
    assert every_paper_is_found(library, collection, len(crowd))
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


def chunks_of(library: Client, collection: str) -> dict[str, Chunks]:
    """Ordinal and text of every chunk of each paper, as the vector store has them."""
    return {
        paper.filename: [
            (chunk.ordinal, chunk.text)
            for chunk in library.chunks(paper.document_id, limit=200).items
        ]
        for paper in library.documents(collection=collection, limit=200).items
    }


def every_paper_is_found(library: Client, collection: str, papers: int) -> bool:
    """True when a search for what only one paper says finds that paper, for every one of them."""
    return all(
        library.search(f"marker{number}", collection=collection, mode="sparse", limit=1)
        .hits[0]
        .filename
        == f"paper-{number:02}.pdf"
        for number in range(papers)
    )


@pytest.mark.parametrize("victim", ["postgres", "milvus"])
def test_while_a_store_is_away_the_answer_is_503_and_work_waits(
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
