"""Restart after SIGKILL of all processes of a service at once, as in a power failure, and a stop
by a signal to all of them at once, as by systemd."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve_app.client import Client
from tests.addresses import stores_of
from tests.chaos.losses import find_losses
from tests.chaos.targets import kill_all
from tests.service import READY, SHORT_LEASES, RunningService
from tests.small_papers import expected_chunks

COLLECTION = "restart"
COMPLETION_TIMEOUT_SECONDS = 240.0


@pytest.fixture
def home(homes: Path) -> Path:
    """The home of both starts."""
    return homes / "killed"


def start(home: Path, models: Path | None = None) -> RunningService:
    return RunningService(home, models=models, command=(), port=None, **SHORT_LEASES)


@pytest.fixture
def first(converted_models: Path, home: Path) -> Iterator[RunningService]:
    """The service that is killed."""
    with start(home, converted_models) as running:
        yield running


@pytest.mark.timeout(600)  # starts two services
def test_service_completes_papers_after_kill_of_all_processes(
    first: RunningService, home: Path, small_papers: list[Path]
) -> None:
    first.wait_for(READY)
    with Client(first.url) as library:
        jobs = [library.upload(small_papers[0], COLLECTION).job_id]
        jobs.append(library.upload_many(small_papers[1:], COLLECTION).job_id)
        while (completed := library.job(jobs[1]).counts.completed) < 5:
            time.sleep(0.05)
    time.sleep(random.Random(completed).uniform(0, 1))
    kill_all(first.process.pid)
    assert home.joinpath("service.json").exists(), "the service was stopped, not killed"
    with start(home) as second:
        second.wait_for(READY)
        assert_complete(second, jobs, small_papers)
        second.stop(receiver="group")


def assert_complete(service: RunningService, jobs: list[str], papers: list[Path]) -> None:
    """Asserts that the jobs complete and that their papers are as in an undisturbed run."""
    with Client(service.url) as library:
        for job in jobs:
            assert library.wait(job, COMPLETION_TIMEOUT_SECONDS).status == "completed"
        expected = expected_chunks(papers, COLLECTION)
        assert find_losses(stores_of(service), library, COLLECTION, jobs, expected) == []
