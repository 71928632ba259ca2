"""Log rotation by copy and truncate, while a server writes to the log."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from runtime.log_rotation import rotate
from runtime.processes import spawn, stop
from tests.timing import wait_until

WRITER = """
import itertools, sys, time
for number in itertools.count():
    print(f"line {number}", flush=True)
    time.sleep(0.001)
"""


def wait_for_bytes(log: Path, count: int) -> None:
    wait_until(lambda: log.stat().st_size >= count, 30, 0.01)


def test_log_rotation_works_while_server_writes(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    server = spawn([sys.executable, "-c", WRITER], log)
    try:
        for _ in range(4):
            wait_for_bytes(log, 1000)
            assert rotate(log, limit_bytes=1000, backup_count=2)
            assert log.stat().st_size < 1000
        wait_for_bytes(log, 100)
        assert server.poll() is None
    finally:
        stop(server, signal.SIGKILL)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "server.log",
        "server.log.1",
        "server.log.2",
    ]
    assert b"\0" not in log.read_bytes()  # append mode: no hole before the next line
    newest, older = (tmp_path / f"server.log.{n}" for n in (1, 2))
    assert last_number(older) < last_number(newest) < last_number(log)


def last_number(log: Path) -> int:
    whole = [line for line in log.read_text().splitlines()[1:-1] if line.startswith("line ")]
    return int(whole[-1].split()[1])


def test_log_rotation_ignores_small_or_missing_log(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    assert not rotate(log, limit_bytes=10, backup_count=2)
    log.write_bytes(b"x" * 10)
    assert not rotate(log, limit_bytes=10, backup_count=2)
    assert log.read_bytes() == b"x" * 10
    log.write_bytes(b"x" * 11)
    assert rotate(log, limit_bytes=10, backup_count=2)
    assert log.read_bytes() == b""


def test_log_rotation_keeps_file_mode(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_bytes(b"x" * 11)
    log.chmod(0o600)
    assert rotate(log, limit_bytes=10, backup_count=1)
    assert (tmp_path / "server.log.1").stat().st_mode & 0o777 == 0o600


def test_log_rotation_truncates_if_backup_fails(tmp_path: Path) -> None:
    """The copy fails, here because its path is a folder: the log is truncated anyway."""
    log = tmp_path / "server.log"
    (tmp_path / "server.log.1.new").mkdir()
    log.write_bytes(b"x" * 11)
    assert rotate(log, limit_bytes=10, backup_count=1)
    assert log.stat().st_size == 0
