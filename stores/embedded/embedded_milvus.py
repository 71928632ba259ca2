"""Milvus for a single machine: a Milvus Lite server process on the loopback interface."""

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
    """Returns the command line of a server that requires the token in the file `token`.

    With -P the server's folder is not on `sys.path`: its modules would shadow packages of the same
    name.
    """
    return [sys.executable, "-P", str(SERVER), str(port), str(data), str(token)]


class EmbeddedMilvus:
    """A Milvus Lite server with its data under `root`; keeps the same port across restarts."""

    def __init__(self, root: Path, port: int | None = None) -> None:
        self.root = root.resolve()
        self.log = self.root / "milvus.log"
        self.token_file = self.root / "token"
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL that clients connect to."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the server and waits until it accepts connections.

        Raises RuntimeError with the end of the server's log.
        """
        data = private_folder(self.root / "data")
        secret(self.token_file)
        self.process = spawn(server_command(self.port, data, self.token_file), self.log)
        wait_for_port(self.port, self.process, 60, self.log)

    def alive(self) -> bool:
        """True while the server process is running."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stops the server and waits until it has exited."""
        if self.process is not None:
            stop(self.process)
