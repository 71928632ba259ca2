"""Resource limits of a sandboxed child, enforced by the kernel, and errors for its exit status."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from domain.errors import ParserCrashed, TookTooLong, TookTooMuchMemory, WorkerCrashed

_GRACE_BYTES = 64 * 1024**2  # lets a process that is out of memory report its failure
_GRACE_SECONDS = 10.0
_MAX_DESCRIPTORS = 256
_MEMORY_EXHAUSTED_SHARE = 0.8
_LIMIT_SIGNALS = (signal.SIGXCPU,)
_CRASH_SIGNALS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """The configurable limits of one document; a part is a page.

    The CPU limit of the whole document is `cpu_seconds` plus `part_seconds` for each part.
    `memory_bytes` is in addition to the memory of the warm process. A document that exceeds a limit
    fails; other documents are not affected.
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
    """The limits of one document with at most `max_parts` parts."""

    max_parts: int = 2000

    @property
    def max_cpu_seconds(self) -> float:
        """CPU seconds of a document with `max_parts`: the hard limit of RLIMIT_CPU."""
        return self.cpu_seconds + self.part_seconds * self.max_parts + _GRACE_SECONDS

    def apply(self) -> None:
        """Applies the limits to this process; it cannot raise hard limits again.

        Regular files cannot be written (RLIMIT_FSIZE is 0). The number of descriptors is limited:
        each concurrent page in Tesseract uses eight.
        """
        _set_limit(resource.RLIMIT_CORE, 0, 0)
        _set_limit(resource.RLIMIT_FSIZE, 0, 0)
        _set_limit(resource.RLIMIT_NOFILE, _MAX_DESCRIPTORS, _MAX_DESCRIPTORS)
        _set_limit(resource.RLIMIT_CPU, int(self.max_cpu_seconds), int(self.max_cpu_seconds))
        # RLIMIT_DATA counts private writable memory.
        limit_bytes = own_memory_bytes("VmData") + self.memory_bytes
        _set_limit(resource.RLIMIT_DATA, limit_bytes, limit_bytes + _GRACE_BYTES)
        self.allow_next_part(0, 0)

    def allow_next_part(self, done: int, total: int) -> None:
        """Raises the soft CPU limit for one more part, up to the limit of all `total` parts."""
        for_all_parts = self.cpu_seconds + self.part_seconds * total
        for_next_part = min(for_all_parts, _cpu_used() + self.cpu_seconds)
        limit_seconds = for_all_parts if done == total else for_next_part
        _set_limit(resource.RLIMIT_CPU, int(limit_seconds) + 1)

    def grace_limits(self) -> None:
        """Raises the soft limits by a grace amount of memory and time, to report a failure."""
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
        _set_limit(resource.RLIMIT_CPU, int(_cpu_used() + _GRACE_SECONDS))


@dataclass(frozen=True, slots=True)
class ExitInfo:
    """Exit of a child: wait status, memory growth in bytes, CPU time in seconds."""

    status: int
    grown_bytes: int
    cpu_seconds: float


def error_from_status(exit_info: ExitInfo, limits: Limits) -> Exception:
    """Returns the error for a child that exited without a result.

    Heuristics: C code often does not check allocations, so a crash of a process that used nearly
    all of its memory counts as out of memory. At the hard CPU limit the kernel sends SIGKILL; the
    CPU time distinguishes it from a SIGKILL by another process.
    """
    if not os.WIFSIGNALED(exit_info.status):
        return ParserCrashed()
    number = os.WTERMSIG(exit_info.status)
    if number in _LIMIT_SIGNALS or exit_info.cpu_seconds >= limits.max_cpu_seconds - 1:
        return TookTooLong()
    if number not in _CRASH_SIGNALS:
        return WorkerCrashed()
    is_exhausted = exit_info.grown_bytes > _MEMORY_EXHAUSTED_SHARE * limits.memory_bytes
    return TookTooMuchMemory() if is_exhausted else ParserCrashed()


def _set_limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Sets a resource limit, capped by the inherited hard limit; None keeps the hard limit."""
    _, inherited = resource.getrlimit(kind)
    hard = inherited if hard is None else _capped(hard, inherited)
    resource.setrlimit(kind, (_capped(soft, hard), hard))


def _capped(value: int, cap: int) -> int:
    return value if cap == resource.RLIM_INFINITY else min(value, cap)


def _cpu_used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def own_memory_bytes(kind: str) -> int:
    """Returns a memory value of this process in bytes, by its name in /proc/self/status (such as
    VmRSS); 0 on systems other than Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    for line in status.read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024
    return 0
