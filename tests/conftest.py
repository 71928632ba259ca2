"""Markers, and the fixtures of several folders: a service that tests share, and its driver."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.programs import Driver
from tests.service import SHORT_LEASES, RunningService, ready_service
from tests.shared_servers import until_last_use
from tests.small_papers import write_small_papers

pytest_plugins = "tests.shared_servers"

# Markers of all tests in a folder, and of all tests that use a fixture.
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
FOLDERS_OF_SERVICE = ("chaos", "cluster", "end_to_end")
TESTS = Path(__file__).parent
UPLOAD_LIMIT_BYTES = 3_000_000
BODY_PIECE_SECONDS = 8.0


def pytest_itemcollected(item: pytest.Item) -> None:
    """Adds the markers of the test's folder and fixtures.

    A test on the in-memory stores (parameter "memory" of `stores`) needs no server.
    """
    folder = item.path.relative_to(TESTS).parts[0]
    parameters = getattr(item, "callspec", None)
    on_memory = parameters is not None and "memory" in parameters.id.split("-")
    markers = set[str]() if on_memory else set(MARKERS_OF_FOLDERS.get(folder, ()))
    for fixture in getattr(item, "fixturenames", ()):
        markers.update(MARKERS_OF_FIXTURES.get(fixture, ()))
    for marker in sorted(markers):
        item.add_marker(marker)


class SharedFixtureScheduling(LoadScopeScheduling):
    """Keeps tests that share expensive fixtures on one worker of xdist.

    The tests of the service run on one worker: two services at once would share the cores and take
    as long. Tests of one other file share its models and servers. `--dist loadgroup` would do the
    same by markers, but xdist 3.8 passes the group in `Item._nodeid`, which pytest 9.2 removed.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        return "service" if set(path.parts) & set(FOLDERS_OF_SERVICE) else str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Returns the scheduler of xdist."""
    return SharedFixtureScheduling(config, log)


@pytest.fixture(scope="session")
def homes() -> Iterator[Path]:
    """A folder for the homes of services; short, because the length of socket paths is limited."""
    folder = Path(tempfile.mkdtemp(prefix="pw-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def converted_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for converted models, one for all workers of xdist: a conversion takes 30 s."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    models = shared / "converted_models"
    models.mkdir(exist_ok=True)
    return models


@pytest.fixture(scope="session")
def server_folders(homes: Path) -> Path:
    """The folder below which the shared service may read (`http.folders`)."""
    folder = homes / "server-folders"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def service(
    pytestconfig: pytest.Config, homes: Path, converted_models: Path, server_folders: Path
) -> Iterator[RunningService]:
    """The service that the end-to-end and chaos tests of a worker share.

    Each test uses its own collection. Leases are short, so that tasks of a killed JobManager are
    requeued soon.
    """
    shared = ready_service(
        homes / "one",
        converted_models,
        PAPERWORKS_HTTP__UPLOAD_LIMIT_BYTES=str(UPLOAD_LIMIT_BYTES),
        PAPERWORKS_HTTP__FOLDERS=json.dumps([str(server_folders)]),
        PAPERWORKS_HTTP__BODY_PIECE_SECONDS=f"{BODY_PIECE_SECONDS:g}",
        PAPERWORKS_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES="true",
        PAPERWORKS_WEBHOOKS__RETRY_SECONDS="[0.2, 0.2, 0.2]",
        **SHORT_LEASES,
    )
    with until_last_use(pytestconfig, "service", shared) as running:
        yield running


@pytest.fixture(scope="session")
def driver(pytestconfig: pytest.Config, service: RunningService) -> Iterator[Driver]:
    """A program on the cluster of the service."""
    joined = Driver(service.service_info["ray_address"], service.cluster_environment)
    with until_last_use(pytestconfig, "service", closing(joined)) as program:
        yield program


@pytest.fixture(scope="session")
def small_papers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """24 different papers of one or two pages: about five seconds of work on two cores."""
    return write_small_papers(tmp_path_factory.mktemp("small_papers"), 24)
