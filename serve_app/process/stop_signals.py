"""The signals that stop `paperworks up`, and the waits of its main thread that they end.

Linux may deliver a signal of the process to any of its threads: on a busy machine, a thread that
starts another one at that moment can receive it before the main thread wakes. Python runs the
handler in the main thread, which a signal in another thread does not wake. An exception of the
handler is lost in code that Python calls from C, such as Ray's waits. Therefore the waits here are
short, and look for a signal that was received before.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn, TypeVar

SIGNALS = (signal.SIGINT, signal.SIGTERM)
POLL_SECONDS = 0.2
DEFERRED = b"Stopping when Ray has started; a second signal ends this process at once.\n"

T = TypeVar("T")


class StopRequested(BaseException):
    """SIGINT or SIGTERM was received; raised in the main thread, which then cleans up."""


class _Request:
    """The first signal of this process, and whether its handler raises at once."""

    signal: signal.Signals | None = None
    is_deferred = False


def stop_on_signals() -> None:
    """Makes the first SIGINT or SIGTERM raise StopRequested; the second ends the process."""
    _Request.signal = None
    _handle_signals()


@contextmanager
def stop_deferred() -> Iterator[None]:
    """A signal during the block raises StopRequested at its end; a second one ends the process.

    For the start of Ray, which cannot stop a node that is not complete. Near the end of its start,
    Ray's C++ code prepends a handler of SIGTERM that prints a stack; the end of the block removes
    it.
    """
    _Request.is_deferred = True
    try:
        yield
    finally:
        _Request.is_deferred = False
        if _Request.signal is None:
            _handle_signals()
        raise_if_requested()


def result_or_stop(future: Future[T]) -> T:
    """Returns the result of the future, or raises its exception; raises StopRequested on a signal.

    For the main thread.
    """
    while not wait([future], POLL_SECONDS).done:
        raise_if_requested()
    return future.result()


def wait_for_stop() -> NoReturn:
    """Raises StopRequested on a signal. For the main thread."""
    while True:
        raise_if_requested()
        time.sleep(POLL_SECONDS)


def _handle_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, _request)


def _request(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    _Request.signal = signal.Signals(number)
    if not _Request.is_deferred:
        raise_if_requested()
    with suppress(OSError):  # the reader has ended, by the same Ctrl-C
        os.write(2, DEFERRED)  # a logger may hold a lock that this code interrupted


def raise_if_requested() -> None:
    """Raises StopRequested if a signal was received; for loops of the main thread."""
    if _Request.signal is not None:
        raise StopRequested(_Request.signal.name)
