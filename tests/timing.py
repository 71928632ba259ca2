"""Time in tests: polling for a condition, and the age of files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(
    condition: Callable[[], bool], timeout_seconds: float = 120, poll_seconds: float = 0.05
) -> None:
    """Returns when the condition holds. Raises AssertionError after `timeout_seconds`."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true within {timeout_seconds:g} s"
        time.sleep(poll_seconds)


def make_older(path: Path, seconds: float) -> None:
    """Moves the modification time of the file back."""
    modified_at = path.stat().st_mtime - seconds
    os.utime(path, (modified_at, modified_at))
