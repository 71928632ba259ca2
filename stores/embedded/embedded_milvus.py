"""Milvus for a single machine: a Milvus Lite server process on the loopback interface."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import stores
from domain.parser_environment import ONE_THREAD
from runtime.ports import free_port
from runtime.private_files import private_folder, secret
from runtime.processes import spawn, stop, wait_for_port
from stores.embedded.load_progress import LoadProgress

PROGRESS = "loading"  # file under the root of the server
MODULE = "stores.embedded.milvus_lite_process"
START_SECONDS = 300.0
"""The port opens when all chunks are loaded and indexed: about 5 s per 100,000."""
BYTES_PER_CHUNK = 8_400
"""Memory of the server per chunk of 1,000 characters and 384 dimensions, of which the search index
takes 2,800; measured at 100,000 chunks (docs/benchmarks.md, "Many chunks")."""


def server_command(port: int, data: Path, token: Path) -> list[str]:
    """Returns the command line of a server that requires the token in the file `token`.

    With -P the current folder is not on `sys.path`: its modules would shadow packages.
    """
    progress = data.with_name(PROGRESS)
    return [sys.executable, "-P", "-m", MODULE, *map(str, (port, data, token, progress))]


def server_environment() -> dict[str, str]:
    """Returns the environment of the server: it imports this checkout, and each search uses one
    thread, because the other cores belong to the ingestion."""
    paths = [str(Path(stores.__path__[0]).parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


class EmbeddedMilvus:
    """A Milvus Lite server with its data under `root`; keeps the same port across restarts."""

    def __init__(self, root: Path, port: int | None = None) -> None:
        self.root = root.resolve()
        self.log = self.root / "milvus.log"
        self.token_file = self.root / "token"
        self.progress = LoadProgress(self.root / PROGRESS)
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL that clients connect to."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def activity(self) -> str:
        """What the server does until its port opens."""
        if (progress := self.progress.read()) is None:
            return "opening the collections"
        return "loading {:,} of {:,} chunks".format(*progress)

    def start(self) -> None:
        """Starts the server and waits until it accepts connections.

        Raises RuntimeError with the end of the server's log.
        """
        data = private_folder(self.root / "data")
        secret(self.token_file)
        self.progress.clear()
        command = server_command(self.port, data, self.token_file)
        self.process = spawn(command, self.log, environment=server_environment())
        wait_for_port(self.port, self.process, START_SECONDS, self.log)

    def alive(self) -> bool:
        """True while the server process is running."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stops the server and waits until it has exited."""
        if self.process is not None:
            stop(self.process)
