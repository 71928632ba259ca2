"""SIGINT and SIGTERM end `paperworks up`, and the waits of its main thread that they interrupt.

Linux gives a signal to any thread of the process that takes signals first: on a busy machine, one
that starts a thread at that moment takes it before the main thread wakes. Python runs the handler
in the main thread, which no signal in another thread wakes. Therefore each wait here is short.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TypeVar

SIGNALS = (signal.SIGINT, signal.SIGTERM)
POLL_SECONDS = 0.2

T = TypeVar("T")


class StopRequested(BaseException):
    """SIGINT or SIGTERM was received; raised in the main thread, which then cleans up."""


def stop_on_signals() -> None:
    """Makes the first SIGINT or SIGTERM raise StopRequested; the second ends the process."""

    def request(number: int, _frame: FrameType | None) -> None:
        _end_on_signals()
        raise StopRequested(signal.Signals(number).name)

    _handle(request)


@contextmanager
def stop_deferred() -> Iterator[None]:
    """A signal during the block raises StopRequested at its end; a second one ends the process.

    For code that cannot be cleaned up while it is incomplete.
    """
    received = list[signal.Signals]()

    def note(number: int, _frame: FrameType | None) -> None:
        _end_on_signals()
        received.append(signal.Signals(number))

    _handle(note)
    try:
        yield
    finally:
        if not received:
            stop_on_signals()
        if received:
            raise StopRequested(received[0].name)


def result_or_stop(future: Future[T]) -> T:
    """Returns the result of the future, or raises its exception; raises StopRequested on a signal.

    For the main thread.
    """
    while not wait([future], POLL_SECONDS).done:
        pass
    return future.result()


def wait_for_stop() -> NoReturn:
    """Raises StopRequested on a signal. For the main thread."""
    while True:
        time.sleep(POLL_SECONDS)


def _end_on_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in SIGNALS:
        signal.signal(number, handler)
