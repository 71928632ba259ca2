"""Pieces of work for the sandbox, good and bad: it is given them by name."""

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

Tell = ProgressReporter
warmed: list[Any] = []


def warm(*arguments: Any) -> None:
    """Remembers its arguments."""
    warmed.extend(arguments)


def warm_in_a_narrow_shell(cpu_seconds: int, data_bytes: int) -> None:
    """Has less than the limits would give, as where somebody has set `ulimit`."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))


def never_warm() -> NoReturn:
    """A warm-up that fails."""
    raise OSError("nothing to warm up with")


def pids(_tell: Tell) -> tuple[int, int, list[Any]]:
    """Process ids of the child and of the warm process, and what that was warmed with."""
    return os.getpid(), os.getppid(), warmed


def double(number: int, _tell: Tell) -> int:
    """Twice the number."""
    return 2 * number


def count(parts: int, tell: Tell) -> str:
    """Tells of each part."""
    for done in range(1, parts + 1):
        tell(done, parts)
    return "counted"


def leave_a_mark(_tell: Tell) -> list[Any]:
    """Changes what the warm process shares, for itself."""
    warmed.append("spoilt")
    return warmed


def refuse(_tell: Tell) -> NoReturn:
    """Fails as a paper does."""
    raise NoText("Nothing is written on page 3.", page=3)


def stumble(_tell: Tell) -> NoReturn:
    """Fails by a mistake of ours."""
    raise ZeroDivisionError("a secret of /etc/passwd")


def unspeakable(_tell: Tell) -> Any:
    """A result that cannot be sent."""
    return lambda: None


def read_address_zero(_tell: Tell) -> bytes:
    """A crash in C."""
    return ctypes.string_at(0)


def abort(_tell: Tell) -> NoReturn:
    """The end that the C library makes of a damaged heap."""
    os.abort()


def leave(_tell: Tell) -> NoReturn:
    """An end without a word."""
    os._exit(3)


def end_by(number: int, _tell: Tell) -> None:
    """An end by a signal."""
    os.kill(os.getpid(), number)
    time.sleep(60)


def loop_in_python(_tell: Tell) -> None:
    """Never ends."""
    while True:
        pass


def loop_in_c(_tell: Tell) -> int:
    """Does not end in our time, nor let Python look at its signals."""
    return pow(3, 10**9)


def loop_after(parts: int, tell: Tell) -> None:
    """Never ends, after some parts that did."""
    count(parts, tell)
    loop_in_python(tell)


def work_hard(parts: int, seconds: float, tell: Tell) -> int:
    """Uses so many CPU seconds for each part."""
    for done in range(1, parts + 1):
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass
        tell(done, parts)
    return parts


def doze(parts: int, seconds: float, tell: Tell) -> int:
    """Sleeps through each part."""
    for done in range(1, parts + 1):
        time.sleep(seconds)
        tell(done, parts)
    return parts


def sleep(_tell: Tell) -> None:
    """Never ends, at no cost."""
    time.sleep(3600)


def hog(size: int, _tell: Tell) -> int:
    """Takes memory in small pieces that it never gives back."""
    held: list[bytearray] = []
    while sum(map(len, held)) < size:
        held.append(bytearray(1024**2))
    return len(held)


def gulp(size: int, _tell: Tell) -> int:
    """Takes memory in one piece."""
    return len(b"x" * size)


def crash_when_full(size: int, _tell: Tell) -> bytes:
    """A crash in C by a process that has taken so many bytes."""
    held = b"x" * size
    return ctypes.string_at(0) + held


def talk(size: int, _tell: Tell) -> bytes:
    """A result of so many bytes."""
    return bytes(size)


def with_helper(how: str, tell: Tell) -> int:
    """Starts a process, tells its id as a part, and ends, crashes or sleeps."""
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    tell(helper.pid, 0)
    if how == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "sleeps":
        time.sleep(3600)
    return helper.pid


def with_fork(tell: Tell) -> int:
    """Forks a process that holds on to everything that is open, and ends."""
    if not (child := os.fork()):
        time.sleep(3600)
    tell(child, 0)
    return child


def break_off(tell: Tell) -> NoReturn:
    """Crashes in the middle of an answer: announces more bytes than it sends."""
    os.write(tell.descriptor, HEAD.pack(RESULT, 1000) + b"I was about to")
    os.abort()


def crash_drawing(_path: Path, _page: int, _dpi: int, _marks: Any, tell: Tell) -> NoReturn:
    """A crash where a picture is wanted."""
    abort(tell)
