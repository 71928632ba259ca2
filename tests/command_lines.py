"""Command lines of processes that may end at any moment."""

from __future__ import annotations

from contextlib import suppress

import psutil


def arguments_of(process: psutil.Process) -> list[str]:
    """Returns the command line of the process; empty if it has ended or is not readable."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # a zombie is a NoSuchProcess
        return process.cmdline()
    return []


def command_of(process: psutil.Process) -> str:
    """Returns the command line of the process as one text; "" if it has ended."""
    return " ".join(arguments_of(process))
