"""Processes that Linux ends with the thread that started them, or gives to another parent.

As a program, `python parent_death.py SIGNAL PARENT COMMAND…` becomes the command. A `preexec_fn` of
`subprocess` can hang: CPython 3.11 then runs Python's fork handlers in the child, which wait for a
lock that another thread of the parent may have held during the fork (`_PyThreadState_DeleteExcept`;
seen in an actor of Ray, whose C++ threads register with the interpreter at any time). Without a
`preexec_fn`, the child executes no Python code. The program runs with -I and -S, so it imports the
standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def ending_with_parent(command: Sequence[str], death_signal: signal.Signals) -> list[str]:
    """Returns a command that becomes the given one, which gets the signal when the calling thread
    ends. Start it from a thread that lives as long as it should. Other systems: the given one."""
    if sys.platform != "linux":
        return list(command)
    program = [sys.executable, "-I", "-S", __file__, str(int(death_signal)), str(os.getpid())]
    return [*program, *command]


def end_with_parent(death_signal: int, parent: int) -> None:
    """Makes Linux send the signal to this process when the thread that started it ends.

    Exits with 1 at once if the process `parent` has already ended.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Makes this process the parent of all descendants whose parent ends from now on, so that none
    escapes by a double fork. Other systems give them to process 1."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))


if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]), int(sys.argv[2]))
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python at its start, and inherited
        signal.signal(ignored, signal.SIG_DFL)
    os.execvp(sys.argv[3], sys.argv[3:])
