"""Server processes of our own: started so that they die with us, stopped within a time limit."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from runtime.ports import somebody_listens

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn`: Linux sends `death_signal` when the spawning thread ends; None elsewhere.

    The thread counts, not the process: spawn from a thread that lives as long as the child should.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be imported
    return lambda: libc.prctl(PR_SET_PDEATHSIG, int(death_signal))


def spawn(
    command: Sequence[str], log: Path, *, death_signal: signal.Signals = signal.SIGTERM
) -> subprocess.Popen[bytes]:
    """The running child, its output appended to `log`, in its own session: Ctrl-C spares it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal),
        )


def stop(
    process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, timeout: float = 8
) -> None:
    """Returns when the child is gone: asked first, killed after `timeout` seconds."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes], timeout: float, log: Path) -> None:
    """Returns when something listens on the port. Raises RuntimeError with the end of the log."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}.{tail(log)}")
        if somebody_listens(port):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server did not listen within {timeout:.0f} s.{tail(log)}")


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, set off for an error message; empty when there are none."""
    if not log.exists():
        return ""
    last = log.read_text(errors="replace").splitlines()[-lines:]
    return f" The end of {log}:{os.linesep}" + os.linesep.join(last)
