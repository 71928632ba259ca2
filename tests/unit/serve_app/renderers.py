"""Finds the rendering processes of this test run."""

from __future__ import annotations

import psutil

from tests.command_lines import arguments_of
from tests.timing import wait_until

TIMEOUT_SECONDS = 60.0
_existing = set[int]()  # process ids of sandboxes that tests of other modules left open


def ignore_existing_processes() -> None:
    """Hides the sandboxes that run at this moment from the functions below."""
    _existing.update(child.pid for child in psutil.Process().children() if _is_warm(child))


def warm_processes() -> list[psutil.Process]:
    """Returns the live warm processes that this process started for the current test."""
    children = psutil.Process().children()
    return [child for child in children if child.pid not in _existing and _is_warm(child)]


def rendering_processes() -> list[psutil.Process]:
    """Returns the processes that are rendering at this moment."""
    return [child for warm in warm_processes() for child in _children(warm)]


def wait_until_rendering(count: int) -> None:
    """Waits until `count` renderings run concurrently."""
    wait_until(lambda: len(rendering_processes()) == count, TIMEOUT_SECONDS)


def _is_warm(process: psutil.Process) -> bool:
    return "runtime.sandbox.server" in arguments_of(process)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def wait_until_idle() -> None:
    """Waits until all rendering processes have ended."""
    wait_until(lambda: not warm_processes(), TIMEOUT_SECONDS)
