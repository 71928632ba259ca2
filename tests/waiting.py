"""Waiting for a condition by polling."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool], timeout_seconds: float = 120, poll_seconds: float = 0.05
) -> None:
    """Returns when the condition holds. Raises AssertionError after `timeout_seconds`."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true within {timeout_seconds:g} s"
        time.sleep(poll_seconds)
