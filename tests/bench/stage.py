"""What every sub-bench stands on: a running service, stores for raw work, papers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.parent_death import ending_with_parent
from runtime.ports import free_port
from runtime.processes import stop
from serve_app.client import Client
from serve_app.process.readiness import wait_until_ready
from stores.embedded.embedded_milvus import EmbeddedMilvus
from stores.embedded.embedded_postgres import EmbeddedPostgres
from tests.addresses import milvus_server, postgres_url

STOP_WITHIN_SECONDS = 60
SETTLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The service under measurement, and beside it, for raw work, stores that are not its own."""

    url: str
    pid: int
    home: Path
    folder: Path
    papers: list[Path]
    plain_postgres: EmbeddedPostgres
    plain_milvus: EmbeddedMilvus
    say: Callable[[str], None]

    @property
    def models(self) -> Path:
        """Where converted models lie."""
        return self.home / "models"

    def client(self) -> Client:
        """A client of the service; close it."""
        return Client(self.url)

    def service_milvus(self) -> tuple[str, str]:
        """Address and token of the Milvus Lite server of the service."""
        return milvus_server(self.pid, self.home)

    def raw_milvus(self) -> tuple[str, str]:
        """Address and token of the server for raw work."""
        return self.plain_milvus.url, self.plain_milvus.token_file.read_text()

    def service_postgres(self) -> str:
        """Address of the PostgreSQL server of the service."""
        return postgres_url(self.pid, self.home)


@contextmanager
def running(
    folder: Path, models: Path, papers: list[Path], say: Callable[[str], None]
) -> Iterator[Stage]:
    """A stage under `folder`; everything that was started ends with the block."""
    home = folder / "home"
    home.mkdir()
    models.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(models.resolve())
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    postgres, milvus = EmbeddedPostgres(folder / "postgres"), EmbeddedMilvus(folder / "milvus")
    process = start_service(home, port, folder / "service.log", dict(os.environ))
    try:
        postgres.start()
        milvus.start()
        wait_until_ready(url, is_alive=lambda: process.poll() is None)
        yield Stage(url, process.pid, home, folder, papers, postgres, milvus, say)
    finally:
        stop(process, timeout=STOP_WITHIN_SECONDS)
        milvus.stop()
        postgres.stop()


def start_service(
    home: Path, port: int, log: Path, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    """The service, in our session: Linux shares a busy machine's CPUs out among sessions, and the
    raw work, which runs in ours, would be given another share. Ctrl-C reaches only us."""
    code = "from serve_app.cli.main import app; app()"
    command = [sys.executable, "-c", code, "up", "--port", str(port), "--home", str(home)]
    with log.open("ab") as output:
        return subprocess.Popen(
            ending_with_parent(command, signal.SIGTERM),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        )


def settle() -> None:
    """Lets what just ended come to rest, so that the next measure does not pay for it."""
    time.sleep(SETTLE_SECONDS)
