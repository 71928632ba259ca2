"""ServerSupervisor: restarts and log rotation of a server process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from actors import embedded_stores
from actors.embedded_stores import ServerSupervisor
from runtime.processes import spawn, stop

WRITER = """
import time
while True:
    print("a line of the log", flush=True)
    time.sleep(0.001)
"""


class Writer:
    """A server that only writes to its log."""

    activity = "starting"

    def __init__(self, folder: Path) -> None:
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = spawn([sys.executable, "-c", WRITER], self.log)

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGKILL)


def test_server_supervisor_rotates_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_stores, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(embedded_stores, "LOG_CHECK_SECONDS", 0.0)
    supervisor = ServerSupervisor("a server", Writer(tmp_path), log_limit_bytes=2000)
    try:
        supervisor.wait_until_ready()
        first = supervisor.pid()
        oldest = tmp_path / "server.log.2"
        deadline = time.monotonic() + 60
        while not oldest.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert supervisor.pid() == first is not None
    finally:
        supervisor.stop()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["server.log", "server.log.1", "server.log.2"]
