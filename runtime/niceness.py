"""CPU priorities: of background workers, and of the session of the service.

Where autogroups are enabled, Linux divides the CPUs between sessions (sched(7)): nice values count
within a session, and a session has a nice value of its own. Each server process of PostgreSQL has a
session of its own, all other processes of the service share one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

NICE = 15
SESSION_NICE = 5
SESSION = Path("/proc/self/autogroup")


@lru_cache(maxsize=1)
def lower_cpu_priority() -> None:
    """Raises the nice value of this thread by NICE, below the API, the JobManager and the
    databases. Only the first call of a process has an effect.

    On Linux, threads and processes that this thread starts later have its value; other threads keep
    theirs. Measured on two cores, during the ingestion of a folder: the median latency of eight
    concurrent uploads is 74 ms with it and 112 ms without it, because the threads of the model
    compete with the API for CPU time.
    """
    os.nice(NICE)


@contextmanager
def lowered_session(session: Path = SESSION) -> Iterator[None]:
    """Raises the nice value of this session to SESSION_NICE during the block.

    Without effect where sessions have none. Measured on two cores of Linux 6.18, during the
    ingestion of a folder: a process of a session with the same nice value waits up to 0.4 s for a
    CPU. PostgreSQL is such a process; with a lower value for the others, the p99 latency of a
    search over 170,000 to 190,000 chunks is 54 to 62 ms instead of 95 to 257 ms.
    """
    before = _session_nice(session)
    if before is None or before >= SESSION_NICE:
        yield
        return
    _set_session_nice(session, SESSION_NICE)
    try:
        yield
    finally:
        _set_session_nice(session, before)


def _session_nice(session: Path) -> int | None:
    """Returns the nice value of the session, None if it has none."""
    try:
        return int(session.read_text().split()[-1])  # of "/autogroup-25 nice 0"
    except (OSError, ValueError, IndexError):
        return None


def _set_session_nice(session: Path, nice: int) -> None:
    with suppress(OSError):  # Linux limits how often a user may do it
        session.write_text(str(nice))
