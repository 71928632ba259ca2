"""Work on a hostile file in a process of its own.

A warm process imports what the work needs and forks a fresh child for every piece of it: 5 ms
instead of a second. The child is held to `Limits` by the kernel, takes nobody along when it
crashes, and leaves no memory behind. (multiprocessing's own fork server runs the main module again
in every child, which in a Ray worker is Ray; pebble's pools wait three seconds before they kill.)
"""

from __future__ import annotations

import logging
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from domain.errors import TookTooLong, WorkerCrashed
from domain.parser_environment import parser_environment
from runtime.processes import pdeathsig_preexec
from runtime.sandbox.confine import SandboxMode, check_sandbox, kernel_support
from runtime.sandbox.limits import Ending, Limits, error_from_status
from runtime.sandbox.messages import CHILD, ENDING, Request, receive_exactly, send_message
from runtime.sandbox.wire import PROGRESS, RESULT, FrameReader, load, load_failure, load_parts

LOG = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
TICK_SECONDS = 0.2
ENDING_SECONDS = 5.0  # for a child that has answered, to end

# Hears (done, total) parts, or None when a tick has passed without news.
Watch = Callable[[tuple[int, int] | None], None]


class Sandbox:
    """Runs one piece of work at a time; `warm(*arguments)` is called once in the warm process.

    Functions are named, "module:function": what they import is of no use here.

    The warm process ends with the thread that made it, with `close`, or when it had nothing to do
    for `idle_seconds`; one that died is replaced.
    """

    def __init__(
        self,
        warm: str,
        *arguments: Any,
        mode: SandboxMode = SandboxMode.AUTO,
        idle_seconds: float | None = None,
    ) -> None:
        self._mode = mode
        self._first = pickle.dumps((warm, arguments, idle_seconds))
        self._turn = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def run(
        self,
        work: str,
        *arguments: Any,
        limits: Limits,
        file: Path | None = None,
        returns: Any = Any,
        may_start_programs: bool = False,
        watch: Watch | None = None,
    ) -> Any:
        """What `work(*arguments, tell)` returns; it calls `tell(done, total)` as parts are done.

        `work` gets the path of `file`, opened here, as its first argument. Its answer is data of
        the type `returns` (a pydantic or plain type, or bytes) and validated as such.

        What `watch` raises ends the work and is raised here. Raises the work's own errors;
        TookTooLong, TookTooMuchMemory, TooMuchOutput; ParserCrashed when it ended in a crash of
        its own or answered something else, WorkerCrashed when somebody killed it,
        SandboxUnavailable when this machine cannot confine it as `mode` requires.
        """
        check_sandbox(self._mode)
        wanted = Request(work, arguments, returns, limits, self._mode, may_start_programs)
        request = pickle.dumps(wanted)
        with self._turn, _opened(file) as opened:
            control, child, answers = self._begin(request, opened)
            try:
                found = _answer(answers, limits, watch)
                ending = _end(control, child)
            except BaseException:
                _kill(child)
                with suppress(WorkerCrashed):
                    _end(control, child)
                raise
            finally:
                os.close(answers)
        if found is None:
            raise error_from_status(ending, limits)
        return _value(*found, returns)

    @property
    def warm_pid(self) -> int | None:
        """The process id of the warm process, None before the first piece of work."""
        return self._server.pid if self._server else None

    def close(self) -> None:
        """Ends the warm process; the next piece of work starts another."""
        if self._control is not None:
            self._control.close()
        if self._server is not None:
            self._server.wait()
        self._server = self._control = None

    def _begin(self, request: bytes, opened: list[int]) -> tuple[socket.socket, int, int]:
        """The way to the warm process, the child's process id, and where its answer comes."""
        for attempt in (1, 2):
            control, server = self._warm()
            answers, writer = os.pipe()
            try:
                send_message(control, request)
                socket.send_fds(control, [b"f"], [writer, *opened])
                [child] = CHILD.unpack(receive_exactly(control, CHILD.size))
                return control, child, answers
            except (OSError, EOFError):  # the warm one ended while nobody looked
                os.close(answers)
                server.kill()
                self.close()
                if attempt == 2:
                    raise WorkerCrashed from None
            finally:
                os.close(writer)
        raise AssertionError

    def _warm(self) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        if self._server is None or self._control is None or self._server.poll() is not None:
            self.close()
            _log_missing(self._mode)
            self._control, theirs = socket.socketpair()
            with theirs:
                self._server = _start(theirs.fileno())
            send_message(self._control, self._first)
        return self._control, self._server


@lru_cache(maxsize=1)
def _log_missing(mode: SandboxMode) -> None:
    """Says once in each process what confinement the kernel lacks."""
    if mode is SandboxMode.OFF:
        LOG.warning("read.sandbox is off: the parser is held to limits of time and memory only")
    elif missing := kernel_support().missing:
        LOG.warning("The parser is confined in part only: no %s", ", no ".join(missing))


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (sys.executable, "-m", "runtime.sandbox.server", str(descriptor)),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        env=parser_environment(),
        preexec_fn=pdeathsig_preexec(signal.SIGKILL),
    )


@contextmanager
def _opened(file: Path | None) -> Iterator[list[int]]:
    """The descriptors that the child gets: one of the file, or none."""
    if file is None:
        yield []
        return
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield [descriptor]
    finally:
        os.close(descriptor)


def _answer(
    answers: int, limits: Limits, watch: Watch | None
) -> tuple[bytes, bytes | bytearray] | None:
    """The last frame; None when the work ended without one.

    Raises TookTooLong when it is silent for too long, TooMuchOutput and ParserCrashed for what it
    sends, and what `watch` raises.
    """
    reader = FrameReader(answers, limits.output_bytes, limits.most_parts + 1)
    began = last_word = time.monotonic()
    while True:
        try:
            frame = reader.read(TICK_SECONDS)
        except EOFError:
            return None
        if frame and frame[0] != PROGRESS:
            return frame
        now = time.monotonic()
        last_word = now if frame else last_word
        if now - last_word > limits.silent_seconds or now - began > limits.document_seconds:
            raise TookTooLong
        if watch is not None:
            watch(load_parts(frame[1]) if frame else None)


def _value(kind: bytes, data: bytes | bytearray, returns: Any) -> Any:
    """The result. Raises the failure, and ParserCrashed for an answer that is neither."""
    if kind == RESULT:
        return load(data, returns)
    failure = load_failure(data)
    if failure.detail:
        LOG.error(
            "Work in the sandbox failed:\n%s", _quoted(failure.detail), extra={"action": "failed"}
        )
    raise failure.error()


def _quoted(detail: str) -> str:
    """The child's words, so that none of its lines looks like one of the log."""
    lines = detail.splitlines()
    return "\n".join(
        "  | " + "".join(c if c.isprintable() else "?" for c in line) for line in lines
    )


def _end(control: socket.socket, child: int) -> Ending:
    """How the child ended; one that does not end is killed. Raises WorkerCrashed."""
    try:
        if not select.select([control], [], [], ENDING_SECONDS)[0]:
            _kill(child)
        return Ending(*ENDING.unpack(receive_exactly(control, ENDING.size)))
    except (OSError, EOFError):
        raise WorkerCrashed from None


def _kill(child: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(child, signal.SIGKILL)
