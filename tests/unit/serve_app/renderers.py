"""The drawing processes of this test run."""

from __future__ import annotations

import time

import psutil


def renderers() -> list[psutil.Process]:
    """The warm processes that this one has started and that run."""
    return [one for one in psutil.Process().children() if _is_warm(one)]


def drawing() -> list[psutil.Process]:
    """The processes that draw a picture at this moment."""
    return [child for warm in renderers() for child in _children(warm)]


def wait_until_drawing(count: int) -> None:
    """Returns when so many pictures are drawn at once."""
    deadline = time.monotonic() + 60
    while len(drawing()) != count:
        assert time.monotonic() < deadline, f"{len(drawing())} pictures are drawn, not {count}"
        time.sleep(0.05)


def _is_warm(process: psutil.Process) -> bool:
    try:
        is_running = process.status() != psutil.STATUS_ZOMBIE
        return is_running and "runtime.sandbox.server" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def wait_until_idle() -> None:
    """Returns when no drawing process is left."""
    deadline = time.monotonic() + 60
    while renderers():
        assert time.monotonic() < deadline, "a drawing process does not end"
        time.sleep(0.05)
