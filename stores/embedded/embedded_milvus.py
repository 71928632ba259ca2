"""Milvus for one machine: a Milvus Lite server process on loopback, its data under one folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from runtime import patches
from runtime.ports import free_port
from runtime.private_files import private_folder, secret
from runtime.processes import spawn, stop, wait_for_port

SERVER = Path(patches.__path__[0], "milvus_lite_server.py")


def server_command(port: int, data: Path, token: Path) -> list[str]:
    """What runs the server, which asks for the token in that file.

    -P: else it would import our modules in place of others' of that name.
    """
    return [sys.executable, "-P", str(SERVER), str(port), str(data), str(token)]


class EmbeddedMilvus:
    """A Milvus Lite server under `root`, on one port for its whole life."""

    def __init__(self, root: Path, port: int | None = None) -> None:
        self.root = root.resolve()
        self.log = self.root / "milvus.log"
        self.token_file = self.root / "token"
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where to connect."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it accepts connections. Raises RuntimeError with the end of its log."""
        data = private_folder(self.root / "data")
        secret(self.token_file)
        self.process = spawn(server_command(self.port, data, self.token_file), self.log)
        wait_for_port(self.port, self.process, 60, self.log)

    def alive(self) -> bool:
        """True while the server runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Returns when the server has ended."""
        if self.process is not None:
            stop(self.process)
