"""Starts server processes that end with their parent, and stops them within a time limit."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from runtime.ports import is_listening

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def pdeathsig_preexec(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Returns a `preexec_fn` that sets PR_SET_PDEATHSIG; None on systems other than Linux.

    Linux sends `death_signal` to the child when the spawning thread ends, not the process. Spawn
    from a thread that lives as long as the child should.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded before the fork: no imports between fork and exec
    return lambda: libc.prctl(PR_SET_PDEATHSIG, int(death_signal))


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts the command in a new process group, which Ctrl-C does not reach; returns the process.

    Its output is appended to `log`. Without an `environment` it gets that of this process. The
    session is that of this process: with autogroups, Linux divides the CPUs between sessions, and
    nice values count only within a session.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            env=environment,
            preexec_fn=pdeathsig_preexec(death_signal),
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
