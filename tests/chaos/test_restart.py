"""Everything of a service is killed at once, as by a power cut, and it is started again; in the
end everything of it is asked to stop at once, as by systemd."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve_app.client import Client
from tests.chaos.losses import losses
from tests.chaos.victims import kill_all
from tests.crowd import undisturbed_chunks
from tests.service import READY, SHORT_LEASES, RunningService

COLLECTION = "restart"
ENDED_WITHIN_SECONDS = 240.0


@pytest.fixture
def home(homes: Path) -> Path:
    """A home that is used twice."""
    return homes / "killed"


def started(home: Path, models: Path | None = None) -> RunningService:
    return RunningService(home, models=models, command=(), port=None, **SHORT_LEASES)


@pytest.fixture
def first(service: RunningService, home: Path) -> Iterator[RunningService]:
    """The service that is killed; it borrows the converted model."""
    running = started(home, service.home / "models")
    yield running
    running.kill()


@pytest.mark.timeout(600)  # it starts two services
def test_service_completes_papers_after_kill_of_all_processes(
    first: RunningService, home: Path, crowd: list[Path]
) -> None:
    first.wait_for(READY)
    with Client(first.url) as library:
        jobs = [library.upload(crowd[0], COLLECTION).job_id]
        jobs.append(library.upload_many(crowd[1:], COLLECTION).job_id)
        while (done := library.job(jobs[1]).counts.completed) < 5:
            time.sleep(0.05)
    time.sleep(random.Random(done).uniform(0, 1))
    kill_all(first.process.pid)
    assert home.joinpath("service.json").exists(), "it had time to say goodbye"
    second = started(home)
    try:
        second.wait_for(READY)
        check(second, jobs, crowd)
        second.stop(whole_group=True)
    finally:
        second.kill()


def check(service: RunningService, jobs: list[str], crowd: list[Path]) -> None:
    """All that was accepted is there, as if nothing had happened."""
    with Client(service.url) as library:
        for job in jobs:
            assert library.wait(job, ENDED_WITHIN_SECONDS).status == "completed"
        undisturbed = undisturbed_chunks(crowd, COLLECTION)
        assert losses(service, library, COLLECTION, jobs, undisturbed) == []
