"""Service: a start that ends before Ray is imported stops without it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # starts a process

PROGRAM = """
import sys
from configs.settings import Settings
from serve_app.process.refusals import CannotStart
from serve_app.process.service import Service

settings = Settings(home=sys.argv[1], http={"port": int(sys.argv[2])})
try:
    with Service(settings).running():
        pass
except CannotStart:
    print("ray" in sys.modules)
"""


def test_service_that_did_not_start_ray_stops_without_importing_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        arguments = [str(tmp_path / "home"), str(taken.getsockname()[1])]
        program = [sys.executable, "-c", PROGRAM, *arguments]
        done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr
