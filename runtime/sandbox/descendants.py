"""Whatever a sandboxed child has started ends with it."""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_LOOK_SECONDS = 0.1
MOST_PROCESSES = 64  # of one child; each page at work in Tesseract is one


def adopt_orphans() -> None:
    """From now on a process whose parent ends, below this one, becomes a child of this one: none
    gets away by forking twice."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))


def wait_for(child: int) -> tuple[int, resource.struct_rusage]:
    """The wait status of the child and what it used, once it and all of its descendants are gone.

    A process group of more than MOST_PROCESSES is killed. (RLIMIT_NPROC is of no use: it counts all
    processes of the user, and none of root's.)
    """
    known = _tasks()
    while not _has_ended(child, _LOOK_SECONDS):
        if _tasks() > known + MOST_PROCESSES // 2:
            _end_if_too_many(child)
            known = _tasks()
    _, status, used = os.wait4(child, 0)
    _signal_group(child, signal.SIGKILL)
    _reap_orphans()
    return status, used


def _has_ended(child: int, seconds: float) -> bool:
    """True when the child ends within so long; elsewhere than on Linux it waits for that."""
    if not hasattr(os, "pidfd_open"):
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        return True
    descriptor = os.pidfd_open(child)
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def _tasks() -> int:
    """The threads of the whole machine, for the cost of one small file; 0 where there is none."""
    try:
        with open("/proc/loadavg") as file:
            return int(file.read().split()[3].partition("/")[2])
    except OSError:
        return 0


def _end_if_too_many(leader: int) -> None:
    """Counts while the group stands still: thousands of processes that fork would leave no time to
    do so."""
    _signal_group(leader, signal.SIGSTOP)
    is_too_many = sum(1 for _ in _group(leader)) > MOST_PROCESSES
    _signal_group(leader, signal.SIGKILL if is_too_many else signal.SIGCONT)


def _group(leader: int) -> Iterator[int]:
    """The processes of a process group."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            fields = (
                file.read().rpartition(b")")[2].split()
            )  # behind the name: state, parent, group
            if int(fields[2]) == leader:
                yield int(name)


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(OSError):
        os.killpg(leader, number)


def _reap_orphans() -> None:
    """Returns when this process has no children; those that left their group are killed too."""
    with suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                for orphan in psutil.Process().children():
                    with suppress(psutil.NoSuchProcess):
                        orphan.kill()
                os.waitpid(-1, 0)
