"""`paperworks down`: stops the service that `up` runs in a home folder, found by its state file."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import psutil
import typer
from filelock import FileLock
from filelock import Timeout as LockTimeout

from runtime.service_info import LOCK_NAME, read_service_info
from serve_app.cli.common import AsJson, Home, print_error, show_values
from serve_app.process.address import home_of

POLL_SECONDS = 0.1

Timeout = Annotated[float, typer.Option(min=0, help="Seconds to wait until it has ended.")]


def down(home: Home = None, timeout: Timeout = 60, as_json: AsJson = False) -> None:
    """Stop the service of a home folder, like Ctrl-C.

    Running tasks get a few seconds to finish. The others return to the queue without using an
    attempt and continue after the next `up`.

    Example: paperworks down --home ~/library
    """
    folder = home_of(home, os.environ)
    if not _is_locked(folder):
        show_values(f"No service runs in {folder}.", as_json, home=folder, was_running=False)
        return
    pid = read_service_info(folder).get("pid")
    if not isinstance(pid, int):
        _fail(f"The service in {folder} is still starting. Try again in a few seconds.")
    with suppress(psutil.NoSuchProcess):
        _terminate(psutil.Process(pid), folder, timeout)
    stopped = f"Stopped; papers and open jobs are kept in {folder}."
    show_values(stopped, as_json, home=folder, was_running=True, pid=pid)


def _terminate(service: psutil.Process, home: Path, timeout_seconds: float) -> None:
    """Sends SIGTERM and returns when the process has ended; a zombie counts as ended.

    Exits with code 1 after the timeout. Raises NoSuchProcess if the process disappears meanwhile.
    """
    service.terminate()
    deadline = time.monotonic() + timeout_seconds
    while service.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            _fail(
                f"The service in {home} (process {service.pid}) has not ended after "
                f"{timeout_seconds:g} s; it is still returning its work to the queue. Wait: "
                "a second `paperworks down` ends it at once, and open work is then repeated after "
                "its leases."
            )
        time.sleep(POLL_SECONDS)


def _fail(message: str) -> NoReturn:
    print_error(message)
    raise typer.Exit(1)


def _is_locked(home: Path) -> bool:
    """True if a service holds the lock of that home.

    The lock ends with its process, so that a stale state file never leads to a wrong SIGTERM.
    """
    if not home.is_dir():
        return False
    try:
        with FileLock(home / LOCK_NAME, timeout=0):
            return False
    except LockTimeout:
        return True
