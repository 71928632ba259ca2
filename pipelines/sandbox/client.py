"""Work on a hostile file in a process of its own.

A warm process imports what the work needs and forks a fresh child for every piece of it: 5 ms
instead of a second. The child is held to `Limits` by the kernel, takes nobody along when it
crashes, and leaves no memory behind. (multiprocessing's own fork server runs the main module again
in every child, which in a Ray worker is Ray; pebble's pools wait three seconds before they kill.)
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any

from domain.errors import TookTooLong, WorkerCrashed
from pipelines.sandbox.limits import Limits, cause_of
from stores.child import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
TICK_SECONDS = 0.2

# Hears (done, total) parts, or None when a tick has passed without news.
Watch = Callable[[tuple[int, int] | None], None]


class Sandbox:
    """Runs one piece of work at a time; `warm(*arguments)` is called once in the warm process.

    Functions are named, "module:function": what they import is of no use here.

    The warm process ends with the thread that made it, or with `close`; one that died is replaced.
    """

    def __init__(self, warm: str, *arguments: Any) -> None:
        self._first = pickle.dumps((warm, arguments))
        self._turn = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: Connection | None = None

    def run(self, work: str, *arguments: Any, limits: Limits, watch: Watch | None = None) -> Any:
        """What `work(*arguments, tell)` returns; it calls `tell(done, total)` as parts are done.

        What `watch` raises ends the work and is raised here. Raises the work's own errors;
        TookTooLong, TookTooMuchMemory, TooMuchOutput; ParserCrashed when it ended in a crash of
        its own, WorkerCrashed when somebody killed it.
        """
        request = pickle.dumps((work, arguments, limits))
        with self._turn:
            control, child, answers = self._begin(request)
            with answers:
                try:
                    found = _heard(answers, limits, watch)
                except BaseException:
                    _kill(child)
                    with suppress(WorkerCrashed):
                        _end(control)
                    raise
            status, grown_bytes = _end(control)
        if found is None:
            raise cause_of(status, grown_bytes, limits)
        went_well, value = found
        if went_well:
            return value
        raise value

    def close(self) -> None:
        """Ends the warm process; the next piece of work starts another."""
        if self._control is not None:
            self._control.close()
        if self._server is not None:
            self._server.wait()
        self._server = self._control = None

    def _begin(self, request: bytes) -> tuple[Connection, int, Connection]:
        """The way to the warm process, the child's process id, and the end it answers at."""
        for attempt in (1, 2):
            control, server = self._warm()
            answers, writer = Pipe(duplex=False)
            try:
                with writer:
                    control.send_bytes(request)
                    send_handle(control, writer.fileno(), server.pid)
                return control, control.recv(), answers
            except (OSError, EOFError):  # the warm one died while nobody looked
                answers.close()
                server.kill()
                self.close()
                if attempt == 2:
                    raise WorkerCrashed from None
        raise AssertionError

    def _warm(self) -> tuple[Connection, subprocess.Popen[bytes]]:
        if self._server is None or self._control is None or self._server.poll() is not None:
            self._control, theirs = Pipe()
            with theirs:
                self._server = _start(theirs.fileno())
            self._control.send_bytes(self._first)
        return self._control, self._server


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (sys.executable, "-m", "pipelines.sandbox.server", str(descriptor)),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
        preexec_fn=die_with_parent(signal.SIGKILL),
    )


def _heard(answers: Connection, limits: Limits, watch: Watch | None) -> tuple[bool, Any] | None:
    """How the work ended, `(went_well, value)`; None when it ended without a word.

    Raises TookTooLong when it is silent for too long, and what `watch` raises.
    """
    last_word = time.monotonic()
    while True:
        news = None
        if answers.poll(TICK_SECONDS):
            word = _word(answers)
            if word is None or word[0] is not None:
                return word
            news, last_word = word[1], time.monotonic()
        elif time.monotonic() - last_word > limits.silent_seconds:
            raise TookTooLong
        if watch is not None:
            watch(news)


def _word(answers: Connection) -> tuple[Any, Any] | None:
    """The next word; None when the work has ended, be it in the middle of one."""
    try:
        return pickle.loads(answers.recv_bytes())
    except (OSError, EOFError):
        return None


def _end(control: Connection) -> tuple[int, int]:
    """Wait status of the child, and the bytes that it grew by. Raises WorkerCrashed."""
    try:
        return control.recv()
    except (OSError, EOFError):
        raise WorkerCrashed from None


def _kill(child: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(child, signal.SIGKILL)
