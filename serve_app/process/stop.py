"""Stops a running service from another process, found by the state file in its home."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from runtime.service_info import LOCK_NAME, read_service_info

POLL_SECONDS = 0.1


class StillRunning(Exception):
    """The service did not end in time, or has not written its state file yet."""


def stop_service(home: Path, timeout_seconds: float) -> bool:
    """Returns True if a service of that home was stopped, False if none ran.

    Raises StillRunning with instructions.
    """
    if not _is_locked(home):
        return False
    pid = read_service_info(home).get("pid")
    if not isinstance(pid, int):
        raise StillRunning(f"The service in {home} is still starting. Try again in a few seconds.")
    with suppress(psutil.NoSuchProcess):
        _terminate(psutil.Process(pid), home, timeout_seconds)
    return True


def _terminate(service: psutil.Process, home: Path, timeout_seconds: float) -> None:
    """Sends SIGTERM and returns when the process has ended; a zombie counts as ended.

    Raises StillRunning, and NoSuchProcess if the process disappears meanwhile.
    """
    service.terminate()
    deadline = time.monotonic() + timeout_seconds
    while service.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            raise StillRunning(
                f"The service in {home} (process {service.pid}) has not ended after "
                f"{timeout_seconds:g} s; it is still returning its work to the queue. Wait, or run "
                "`paperworks down` again."
            )
        time.sleep(POLL_SECONDS)


def _is_locked(home: Path) -> bool:
    """True if a service holds the lock of that home.

    The lock ends with its process, so that a stale state file never leads to a wrong SIGTERM.
    """
    if not home.is_dir():
        return False
    try:
        with FileLock(home / LOCK_NAME, timeout=0):
            return False
    except Timeout:
        return True
