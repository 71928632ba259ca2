"""Ends all descendants of a sandboxed child together with it."""

from __future__ import annotations

import os
import resource
import select
import signal
from collections.abc import Iterator
from contextlib import suppress

import psutil

_POLL_SECONDS = 0.1
MAX_PROCESSES = 64  # per child; each concurrent page in Tesseract is one


def wait_for(child: int) -> tuple[int, resource.struct_rusage]:
    """Waits until the child and all its descendants have exited; returns the child's wait status
    and resource usage.

    Kills a process group of more than MAX_PROCESSES. (RLIMIT_NPROC is not suitable: it counts all
    processes of the user, and is not enforced for root.)
    """
    known = _count_threads()
    while not _has_exited(child, _POLL_SECONDS):
        if _count_threads() > known + MAX_PROCESSES // 2:
            _kill_if_too_many(child)
            known = _count_threads()
    _, status, usage = os.wait4(child, 0)
    _signal_group(child, signal.SIGKILL)
    _reap_orphans()
    return status, usage


def _has_exited(child: int, seconds: float) -> bool:
    """True if the child exits within `seconds`; without pidfd_open it waits without a timeout."""
    if not hasattr(os, "pidfd_open"):
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        return True
    descriptor = os.pidfd_open(child)
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def _count_threads() -> int:
    """Returns the number of threads on the machine, from /proc/loadavg; 0 if that is missing."""
    try:
        with open("/proc/loadavg") as file:
            return int(file.read().split()[3].partition("/")[2])
    except OSError:
        return 0


def _kill_if_too_many(leader: int) -> None:
    """Stops the group while it is counted: thousands of forking processes leave no CPU time."""
    _signal_group(leader, signal.SIGSTOP)
    is_too_many = sum(1 for _ in _group(leader)) > MAX_PROCESSES
    _signal_group(leader, signal.SIGKILL if is_too_many else signal.SIGCONT)


def _group(leader: int) -> Iterator[int]:
    """Yields the process ids of a process group."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # after the name: state, parent, group
            if int(fields[2]) == leader:
                yield int(name)


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(OSError):
        os.killpg(leader, number)


def _reap_orphans() -> None:
    """Reaps all children of this process; kills those that left their process group."""
    with suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                for orphan in psutil.Process().children():
                    with suppress(psutil.NoSuchProcess):
                        orphan.kill()
                os.waitpid(-1, 0)
