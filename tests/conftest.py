"""What several folders share: one real service for the whole session, and a way to its actors."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.papers import Part, make_paper
from tests.service import READY, Driver, RunningService

UPLOAD_LIMIT_BYTES = 3_000_000
LEASE_SECONDS = 4


@pytest.fixture(scope="session")
def homes() -> Iterator[Path]:
    """A folder for homes of services; short, because sockets have short names."""
    folder = Path(tempfile.mkdtemp(prefix="pw-"))
    folder.chmod(0o755)  # the embedded PostgreSQL runs as another user
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def service(homes: Path) -> Iterator[RunningService]:
    """The service that all end-to-end and chaos tests use: take a collection of your own.

    Started once; its first start converts the model, which the others borrow. Leases are short so
    that the work of a killed JobManager is soon found.
    """
    running = RunningService(
        homes / "one",
        PAPERWORKS_HTTP__UPLOAD_LIMIT_BYTES=str(UPLOAD_LIMIT_BYTES),
        PAPERWORKS_JOBS__LEASE_SECONDS=str(LEASE_SECONDS),
        PAPERWORKS_JOBS__BACKOFF_BASE_SECONDS="1",
    )
    try:
        running.wait_for(READY)
        yield running
        running.stop()
    finally:
        running.kill()


@pytest.fixture(scope="session")
def driver(service: RunningService) -> Iterator[Driver]:
    """A program on the service's cluster."""
    joined = Driver(service.card["ray_address"])
    yield joined
    joined.close()


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Forty papers of one or two pages, no two alike."""
    folder = tmp_path_factory.mktemp("crowd")
    paths = [folder / f"paper-{number:02}.pdf" for number in range(40)]
    for number, path in enumerate(paths):
        path.write_bytes(_crowd_paper(number))
    return paths


def _crowd_paper(number: int) -> bytes:
    choose = random.Random(number)
    words = ["".join(choose.choices("aeioulmnrst", k=choose.randint(3, 9))) for _ in range(200)]

    def paragraph() -> str:
        sentences = (" ".join(choose.choices(words, k=12)).capitalize() for _ in range(8))
        return ". ".join(sentences) + "."

    parts = [Part(f"{n} Part {n}", [paragraph()]) for n in range(1, choose.randint(4, 9))]
    return make_paper(f"Paper {number} of the Crowd", parts, abstract=f"It holds marker{number}.")
