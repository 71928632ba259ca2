"""Functions that the sandbox runs by name: results, errors, crashes, and excessive use."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from domain.errors import NoText
from runtime.sandbox.server import ProgressReporter
from runtime.sandbox.wire import HEAD, RESULT

warmed: list[Any] = []


def warm(*arguments: Any) -> None:
    """Stores the arguments in the warm process."""
    warmed.extend(arguments)


def warm_with_lower_limits(cpu_seconds: int, data_bytes: int) -> None:
    """Sets lower limits than the sandbox would, like `ulimit` in the shell of the service."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))


def fail_to_warm() -> NoReturn:
    """Raises OSError during the warm-up."""
    raise OSError("the warm-up failed")


def pids(_report: ProgressReporter) -> tuple[int, int, list[Any]]:
    """Returns the pids of the child and of the warm process, and the warm-up arguments."""
    return os.getpid(), os.getppid(), warmed


def double(number: int, _report: ProgressReporter) -> int:
    """Returns twice the number."""
    return 2 * number


def count(parts: int, report: ProgressReporter) -> str:
    """Reports each part; returns "counted"."""
    for done in range(1, parts + 1):
        report(done, parts)
    return "counted"


def modify_warm_state(_report: ProgressReporter) -> list[Any]:
    """Changes the state of the warm process in this child; returns it."""
    warmed.append("changed")
    return warmed


def raise_document_error(_report: ProgressReporter) -> NoReturn:
    """Raises an error of the document."""
    raise NoText("Nothing is written on page 3.", page=3)


def raise_internal_error(_report: ProgressReporter) -> NoReturn:
    """Raises an error that is a defect of the service."""
    raise ZeroDivisionError("a secret of /etc/passwd")


def return_unserializable(_report: ProgressReporter) -> Any:
    """Returns a result that cannot be serialized."""
    return lambda: None


def segfault(_report: ProgressReporter) -> bytes:
    """Crashes in C code with SIGSEGV."""
    return ctypes.string_at(0)


def abort(_report: ProgressReporter) -> NoReturn:
    """Ends with SIGABRT, like the C library on heap corruption."""
    os.abort()


def exit_without_result(_report: ProgressReporter) -> NoReturn:
    """Exits with status 3 and without a result."""
    os._exit(3)


def raise_signal(number: int, _report: ProgressReporter) -> None:
    """Ends by this signal."""
    os.kill(os.getpid(), number)
    time.sleep(60)


def loop_in_python(_report: ProgressReporter) -> None:
    """Loops in Python without end."""
    while True:
        pass


def loop_in_c(_report: ProgressReporter) -> int:
    """Runs practically forever in C code, where Python handles no signals."""
    return pow(3, 10**9)


def loop_after_parts(parts: int, report: ProgressReporter) -> None:
    """Reports parts, then loops without end."""
    count(parts, report)
    loop_in_python(report)


def use_cpu(parts: int, seconds: float, report: ProgressReporter) -> int:
    """Uses this CPU time for each part."""
    for done in range(1, parts + 1):
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass
        report(done, parts)
    return parts


def sleep_in_each_part(parts: int, seconds: float, report: ProgressReporter) -> int:
    """Sleeps before each part is reported."""
    for done in range(1, parts + 1):
        time.sleep(seconds)
        report(done, parts)
    return parts


def sleep_forever(_report: ProgressReporter) -> None:
    """Sleeps for an hour without a report."""
    time.sleep(3600)


def allocate_small_blocks(size: int, _report: ProgressReporter) -> int:
    """Allocates memory in blocks of 1 MiB and keeps them."""
    held: list[bytearray] = []
    while sum(map(len, held)) < size:
        held.append(bytearray(1024**2))
    return len(held)


def allocate_one_block(size: int, _report: ProgressReporter) -> int:
    """Allocates memory in one block."""
    return len(b"x" * size)


def crash_after_allocation(size: int, _report: ProgressReporter) -> bytes:
    """Allocates memory, then crashes in C code."""
    held = b"x" * size
    return ctypes.string_at(0) + held


def return_bytes(size: int, _report: ProgressReporter) -> bytes:
    """Returns a result of this size."""
    return bytes(size)


def start_helper(how: str, report: ProgressReporter) -> int:
    """Starts a process, reports its pid as a part, and ends, crashes or sleeps."""
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    report(helper.pid, 0)
    if how == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "sleeps":
        time.sleep(3600)
    return helper.pid


def fork_helper(report: ProgressReporter) -> int:
    """Forks a process that keeps all inherited descriptors open, and ends."""
    if not (child := os.fork()):
        time.sleep(3600)
    report(child, 0)
    return child


def crash_during_result(report: ProgressReporter) -> NoReturn:
    """Crashes during the result: announces more bytes than it sends."""
    os.write(report.descriptor, HEAD.pack(RESULT, 1000) + b"incomplete")
    os.abort()


def crash_while_rendering(
    _path: Path, _page: int, _dpi: int, _marks: Any, report: ProgressReporter
) -> NoReturn:
    """Crashes instead of rendering an image."""
    abort(report)
