"""Server processes: no Ctrl-C reaches them, and they share the CPU with the service."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runtime.processes import spawn, stop

WAIT = "import time; time.sleep(60)"


def test_spawned_server_has_own_process_group_in_session_of_parent(tmp_path: Path) -> None:
    server = spawn([sys.executable, "-c", WAIT], tmp_path / "server.log")
    try:
        assert os.getpgid(server.pid) == server.pid
        assert os.getsid(server.pid) == os.getsid(0)
    finally:
        stop(server)
