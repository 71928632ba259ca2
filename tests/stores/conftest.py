"""Fixtures for real stores: dedicated servers on free ports, stopped at the end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.ports import free_port
from runtime.private_files import secret
from runtime.processes import wait_for_port
from stores.embedded.embedded_milvus import server_command
from tests.stores.postgres import database, database_url, postgres, stores  # noqa: F401
from tests.stores.postgres_library import library  # noqa: F401
from tests.stores.s3 import bucket, s3_endpoint  # noqa: F401
from tests.unit.serve_app.served import url  # noqa: F401


class MilvusLite:
    """A Milvus Lite server process that can be stopped and restarted on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return (self.folder / "token").read_text()

    def start(self) -> None:
        """Starts the server and waits until its port is open."""
        log_file = self.folder / "server.log"
        secret(self.folder / "token")
        with log_file.open("ab") as log:
            self.process = subprocess.Popen(
                server_command(self.port, self.folder / "data", self.folder / "token"),
                stdout=log,
                stderr=log,
            )
        wait_for_port(self.port, self.process, 60, log_file)

    def kill(self) -> None:
        """Kills the server with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stops the server with SIGTERM."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=20)
            self.process = None


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusLite]:
    """A running Milvus Lite server, shared by the tests; each test uses its own collections."""
    server = MilvusLite(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_milvus(tmp_path: Path) -> Iterator[MilvusLite]:
    """A server for a single test, which may kill it."""
    server = MilvusLite(tmp_path)
    server.start()
    yield server
    server.stop()
