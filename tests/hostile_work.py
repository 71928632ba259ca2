"""Work for the sandbox that does what foreign code in a PDF parser would do."""

from __future__ import annotations

import json
import os
import pickle
import stat
import time
from pathlib import Path
from typing import Any, NoReturn

from runtime.sandbox.server import ProgressReporter
from runtime.sandbox.wire import FAILURE, HEAD, PARTS, PROGRESS, RESULT, write_frame

PIECE = bytes(1024**2)


class _Touch:
    """Creates a file in whatever process unpickles it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.path),)


def environment(_tell: ProgressReporter) -> dict[str, str]:
    """The variables that the child can read."""
    return dict(os.environ)


def descriptors(_tell: ProgressReporter) -> list[str]:
    """What the child has open besides the standard streams and this listing itself."""
    kinds = (_kind_of(one) for one in range(3, os.sysconf("SC_OPEN_MAX")))
    return [kind for kind in kinds if kind]


def _kind_of(descriptor: int) -> str | None:
    """pipe, file or other; None for a descriptor that is not open. /proc/self/fd is closed."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return None
    return "pipe" if stat.S_ISFIFO(mode) else "file" if stat.S_ISREG(mode) else "other"


def send_pickle(kind: str, path: str, tell: ProgressReporter) -> NoReturn:
    """Sends a pickle where JSON is expected."""
    write_frame(tell.descriptor, kind.encode(), pickle.dumps(_Touch(path)))
    os._exit(0)


def send_without_end(size: int, tell: ProgressReporter) -> NoReturn:
    """Announces an answer of that size and sends as much of it as somebody takes."""
    os.write(tell.descriptor, HEAD.pack(RESULT, size))
    while True:
        os.write(tell.descriptor, PIECE)


def send_half(tell: ProgressReporter) -> NoReturn:
    """Sends the first bytes of an answer and waits."""
    os.write(tell.descriptor, HEAD.pack(RESULT, 100) + b"{")
    time.sleep(3600)
    os._exit(0)


def send_parts(count: int, tell: ProgressReporter) -> NoReturn:
    """Reports progress without making any."""
    for _ in range(count):
        write_frame(tell.descriptor, PROGRESS, PARTS.pack(1, 1))
    time.sleep(3600)
    os._exit(0)


def send_part(done: int, total: int, tell: ProgressReporter) -> NoReturn:
    """Reports numbers that no document has."""
    write_frame(tell.descriptor, PROGRESS, PARTS.pack(done, total))
    time.sleep(3600)
    os._exit(0)


def send_raw(head: bytes, tell: ProgressReporter) -> NoReturn:
    """Sends bytes that are no frame."""
    os.write(tell.descriptor, head)
    time.sleep(3600)
    os._exit(0)


def answer_and_stay(tell: ProgressReporter) -> NoReturn:
    """Answers, and does not end."""
    write_frame(tell.descriptor, RESULT, b'"done"')
    time.sleep(3600)
    os._exit(0)


def fail_as(failure: dict[str, Any], tell: ProgressReporter) -> NoReturn:
    """Sends this as its failure."""
    write_frame(tell.descriptor, FAILURE, json.dumps(failure).encode())
    os._exit(0)


def descriptors_beside(_file: Path, tell: ProgressReporter) -> list[str]:
    """What the child has open, when it was given a file."""
    return descriptors(tell)
