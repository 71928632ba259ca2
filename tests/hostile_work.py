"""Functions for the sandbox that send hostile output, like foreign code in a PDF parser."""

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

BLOCK = bytes(1024**2)


class _Touch:
    """Creates a file in the process that unpickles it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.path),)


def environment(_report: ProgressReporter) -> dict[str, str]:
    """Returns the environment of the child."""
    return dict(os.environ)


def descriptors(_report: ProgressReporter) -> list[str]:
    """Returns the kinds of the child's open descriptors, without the standard streams."""
    kinds = (_kind_of(one) for one in range(3, os.sysconf("SC_OPEN_MAX")))
    return [kind for kind in kinds if kind]


def _kind_of(descriptor: int) -> str | None:
    """Returns pipe, file or other; None if not open. The sandbox denies /proc/self/fd."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return None
    return "pipe" if stat.S_ISFIFO(mode) else "file" if stat.S_ISREG(mode) else "other"


def send_pickle(kind: str, path: str, report: ProgressReporter) -> NoReturn:
    """Sends a pickle where JSON is expected."""
    write_frame(report.descriptor, kind.encode(), pickle.dumps(_Touch(path)))
    os._exit(0)


def send_unlimited(size: int, report: ProgressReporter) -> NoReturn:
    """Announces a result of this size and sends data until the parent stops reading."""
    os.write(report.descriptor, HEAD.pack(RESULT, size))
    while True:
        os.write(report.descriptor, BLOCK)


def send_incomplete(report: ProgressReporter) -> NoReturn:
    """Sends the first bytes of a result and waits."""
    os.write(report.descriptor, HEAD.pack(RESULT, 100) + b"{")
    time.sleep(3600)
    os._exit(0)


def send_parts(count: int, report: ProgressReporter) -> NoReturn:
    """Reports the same progress repeatedly, then waits."""
    for _ in range(count):
        write_frame(report.descriptor, PROGRESS, PARTS.pack(1, 1))
    time.sleep(3600)
    os._exit(0)


def send_part(done: int, total: int, report: ProgressReporter) -> NoReturn:
    """Reports progress out of range, then waits."""
    write_frame(report.descriptor, PROGRESS, PARTS.pack(done, total))
    time.sleep(3600)
    os._exit(0)


def send_raw(head: bytes, report: ProgressReporter) -> NoReturn:
    """Sends bytes that are not a frame, then waits."""
    os.write(report.descriptor, head)
    time.sleep(3600)
    os._exit(0)


def send_result_and_stay(report: ProgressReporter) -> NoReturn:
    """Sends a result and does not exit."""
    write_frame(report.descriptor, RESULT, b'"done"')
    time.sleep(3600)
    os._exit(0)


def send_failure(failure: dict[str, Any], report: ProgressReporter) -> NoReturn:
    """Sends this failure."""
    write_frame(report.descriptor, FAILURE, json.dumps(failure).encode())
    os._exit(0)


def descriptors_with_file(_file: Path, report: ProgressReporter) -> list[str]:
    """Like `descriptors`, for a child with a file."""
    return descriptors(report)
