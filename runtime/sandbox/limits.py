"""What one piece of work may use up, held to by the kernel, and what it means that it was ended."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from domain.errors import ParserCrashed, TookTooLong, TookTooMuchMemory, WorkerCrashed

_LAST_WORDS = 64 * 1024**2  # bytes: with these a process without memory can still say so
_LAST_SECONDS = 10.0
_MOST_FILES = 256
_NEARLY_ALL = 0.8
_OUR_KILLS = (signal.SIGXCPU,)
_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """The configurable limits of one task. A part is a page. Memory is in addition to that of the
    warm process.

    The parent ends a task that exceeds a limit: the document fails, and other tasks go on.
    """

    cpu_seconds: Annotated[
        float,
        Field(description="CPU seconds for a single page, and for the work before and after."),
    ] = 30.0
    part_seconds: Annotated[
        float, Field(description="Additional CPU seconds per page, for the whole document.")
    ] = 1.0
    memory_bytes: Annotated[int, Field(description="Memory of the parser process, in bytes.")] = (
        2 * 1024**3
    )
    output_bytes: Annotated[
        int, Field(description="Size of the extracted text, boxes and tables, in bytes.")
    ] = 256 * 1024**2
    silent_seconds: Annotated[
        float, Field(description="Maximum wall-clock seconds without a finished page.")
    ] = 300.0
    document_seconds: Annotated[
        float, Field(description="Maximum wall-clock seconds for one step of a document.")
    ] = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Limits(LimitOptions):
    """Limits of work with at most `most_parts` pages."""

    most_parts: int = 2000

    @property
    def most_cpu_seconds(self) -> float:
        """CPU seconds of the largest document: the hard limit, which the kernel keeps."""
        return self.cpu_seconds + self.part_seconds * self.most_parts + _LAST_SECONDS

    def begin(self) -> None:
        """Holds this process to them from now on; what is hard it cannot raise again.

        No regular file grows. There are few descriptors: each page at work in Tesseract has eight.
        """
        _hold(resource.RLIMIT_CORE, 0, 0)
        _hold(resource.RLIMIT_FSIZE, 0, 0)
        _hold(resource.RLIMIT_NOFILE, _MOST_FILES, _MOST_FILES)
        _hold(resource.RLIMIT_CPU, int(self.most_cpu_seconds), int(self.most_cpu_seconds))
        # What RLIMIT_DATA counts: private writable memory.
        most = memory_of_process("VmData") + self.memory_bytes
        _hold(resource.RLIMIT_DATA, most, most + _LAST_WORDS)
        self.next_part(0, 0)

    def next_part(self, done: int, total: int) -> None:
        """Time for one more part, as far as there is some left for `total` parts together."""
        whole = self.cpu_seconds + self.part_seconds * total
        until = whole if done == total else min(whole, _cpu_used() + self.cpu_seconds)
        _hold(resource.RLIMIT_CPU, int(until) + 1)

    def grace_limits(self) -> None:
        """A little more memory and time, to tell what happened."""
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        _hold(resource.RLIMIT_CPU, int(_cpu_used() + _LAST_SECONDS))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended: its wait status, the bytes that it grew by, the CPU seconds it took."""

    status: int
    grown_bytes: int
    cpu_seconds: float


def error_from_status(ending: Ending, limits: Limits) -> Exception:
    """The error that an ending without an answer stands for.

    Much C code does not look whether it was given memory: a crash of a process that had taken
    nearly all it may have is a lack of memory. At the hard limit of CPU time the kernel sends
    SIGKILL, as others do.
    """
    if not os.WIFSIGNALED(ending.status):
        return ParserCrashed()
    number = os.WTERMSIG(ending.status)
    if number in _OUR_KILLS or ending.cpu_seconds >= limits.most_cpu_seconds - 1:
        return TookTooLong()
    if number not in _CRASHES:
        return WorkerCrashed()
    is_full = ending.grown_bytes > _NEARLY_ALL * limits.memory_bytes
    return TookTooMuchMemory() if is_full else ParserCrashed()


def _hold(kind: int, soft: int, hard: int | None = None) -> None:
    """Sets a limit, as far as that which we were started with allows; `hard` stays if None."""
    _, most = resource.getrlimit(kind)
    hard = most if hard is None else _lower(hard, most)
    resource.setrlimit(kind, (_lower(soft, hard), hard))


def _lower(wanted: int, most: int) -> int:
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most)


def _cpu_used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory_of_process(kind: str) -> int:
    """Bytes of this process's memory of a kind, by its name in Linux's /proc/self/status; 0
    elsewhere."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    for line in status.read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024
    return 0
