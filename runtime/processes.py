"""Starts server processes that end with their parent; stops them, and all descendants of this
process, within a time limit."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from runtime.parent_death import adopt_orphans, ending_with_parent
from runtime.ports import is_listening

MAX_SWEEPS = 10


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts the command in a new process group, which Ctrl-C does not reach; returns the process.

    It gets `death_signal` when the calling thread ends. Its output is appended to `log`, also the
    error if the command does not exist. Without an `environment` it gets that of this process. The
    session is that of this process: with autogroups, Linux divides the CPUs between sessions, and
    nice values count only within a session.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            ending_with_parent(command, death_signal),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            env=environment,
        )


def stop(
    process: subprocess.Popen[bytes],
    stop_signal: signal.Signals = signal.SIGTERM,
    timeout: float = 8,
) -> None:
    """Sends `stop_signal`, and SIGKILL after `timeout` seconds; returns when the child exited."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def descendants_ended(timeout: float = 2) -> Iterator[None]:
    """Kills the descendants of this process that outlive the block by `timeout` seconds.

    On Linux this includes processes that start in the block and processes whose parent ends in it.
    On other systems an orphan is killed only if it was a descendant at the start of the block.
    """
    adopt_orphans()
    before = _descendants()
    try:
        yield
    finally:
        psutil.wait_procs(before | _descendants(), timeout)
        remaining = {one for one in before if one.is_running()} | _descendants()
        for _ in range(MAX_SWEEPS):  # a process may start another one before it is killed
            if not remaining:
                break
            _kill(remaining, timeout)
            remaining = _descendants()


def _kill(processes: set[psutil.Process], timeout: float) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout)


def _descendants() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def wait_for_port(port: int, process: subprocess.Popen[bytes], timeout: float, log: Path) -> None:
    """Waits until the server listens on the port.

    Raises RuntimeError with the end of the log if it exits or does not listen within `timeout`
    seconds.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server exited with code {process.returncode}.{tail(log)}")
        if is_listening(port):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server did not listen within {timeout:.0f} s.{tail(log)}")


def tail(log: Path, lines: int = 12) -> str:
    """Returns the last lines of a log, formatted for an error message; empty without a log."""
    if not log.exists():
        return ""
    last = log.read_text(errors="replace").splitlines()[-lines:]
    return f" The end of {log}:{os.linesep}" + os.linesep.join(last)
