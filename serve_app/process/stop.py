"""Ends a running service from outside, by the note that it left in its home."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from runtime.service_info import LOCK, read_service_info

LOOK_EVERY_SECONDS = 0.1


class StillRunning(Exception):
    """The service did not end in time, or has not noted who it is yet."""


def stop_service(home: Path, within_seconds: float) -> bool:
    """True when a service ran in the home and has ended; False when none ran there.

    Raises StillRunning, with what to do.
    """
    if not _is_locked(home):
        return False
    pid = read_service_info(home).get("pid")
    if not isinstance(pid, int):
        raise StillRunning(f"The service in {home} is still starting. Try again in a moment.")
    with suppress(psutil.NoSuchProcess):
        _end(psutil.Process(pid), home, within_seconds)
    return True


def _end(service: psutil.Process, home: Path, within_seconds: float) -> None:
    """Returns when it has ended; whoever started it may not have noticed yet. Raises StillRunning,
    and NoSuchProcess when it is quick."""
    service.terminate()
    deadline = time.monotonic() + within_seconds
    while service.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            raise StillRunning(
                f"The service in {home} (process {service.pid}) has not ended after "
                f"{within_seconds:g} s; it is still handing its work back. Wait, or ask again."
            )
        time.sleep(LOOK_EVERY_SECONDS)


def _is_locked(home: Path) -> bool:
    """True while a service holds the home. Its lock dies with it, so a stale note kills nobody."""
    if not home.is_dir():
        return False
    try:
        with FileLock(home / LOCK, timeout=0):
            return False
    except Timeout:
        return True
