"""Shared by several folders: the markers, one service for the whole session, and its actors."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crowd import write_crowd
from tests.service import READY, SHORT_LEASES, Driver, RunningService

# Every test below a folder, and every test that uses a fixture, gets these markers.
MARKERS_OF_FOLDERS = {
    "chaos": ("chaos", "servers"),
    "cluster": ("servers",),
    "end_to_end": ("servers",),
    "soak": ("servers",),
    "stores": ("servers",),
}
MARKERS_OF_FIXTURES = {
    "browser": ("browser",),
    "cluster": ("servers",),
    "milvus": ("servers",),
    "own_milvus": ("servers",),
    "postgres": ("servers",),
    "s3_endpoint": ("servers",),
    "service": ("servers",),
}
TESTS = Path(__file__).parent
UPLOAD_LIMIT_BYTES = 3_000_000
BODY_PIECE_SECONDS = 8.0


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks the test by its folder and its fixtures.

    The tests of a file that need a model or a server stay on one worker of xdist, where they share
    it. A test on the in-memory stores ("memory" is the parameter of its `stores`) needs no server.
    """
    folder = item.path.relative_to(TESTS).parts[0]
    parameters = getattr(item, "callspec", None)
    on_memory = parameters is not None and "memory" in parameters.id.split("-")
    markers = set[str]() if on_memory else set(MARKERS_OF_FOLDERS.get(folder, ()))
    for fixture in getattr(item, "fixturenames", ()):
        markers.update(MARKERS_OF_FIXTURES.get(fixture, ()))
    for marker in sorted(markers):
        item.add_marker(marker)
    if any(item.iter_markers("models")) or any(item.iter_markers("servers")):
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def homes() -> Iterator[Path]:
    """A folder for homes of services; short, because sockets have short names."""
    folder = Path(tempfile.mkdtemp(prefix="pw-"))
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
        models=None,
        command=(),
        port=None,
        PAPERWORKS_HTTP__UPLOAD_LIMIT_BYTES=str(UPLOAD_LIMIT_BYTES),
        PAPERWORKS_HTTP__BODY_PIECE_SECONDS=f"{BODY_PIECE_SECONDS:g}",
        **SHORT_LEASES,
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
    joined = Driver(service)
    yield joined
    joined.close()


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Forty papers of one or two pages, no two alike."""
    return write_crowd(tmp_path_factory.mktemp("crowd"), 40)
