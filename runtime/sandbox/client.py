"""Runs functions on untrusted files in sandboxed child processes, through a fork server.

A warm process (the fork server) imports the dependencies once and forks a fresh child for every
call: 5 ms instead of a second. The kernel enforces `Limits` on the child; a crash or a memory leak
of the child affects no other process. (The fork server of multiprocessing runs the main module
again in every child, which in a Ray worker is Ray; pebble's pools wait three seconds before they
kill a process.)
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
from runtime.sandbox.confine import SandboxMode, check_sandbox, kernel_support
from runtime.sandbox.limits import ExitInfo, Limits, error_from_status
from runtime.sandbox.messages import CHILD_PID, EXIT_INFO, Request, receive_exactly, send_message
from runtime.sandbox.wire import PROGRESS, RESULT, FrameReader, load, load_failure, load_parts

LOG = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
TICK_SECONDS = 0.2
EXIT_SECONDS = 5.0  # for a child that has sent its result to exit

# Receives (done, total) parts, or None after TICK_SECONDS without a report.
ProgressCallback = Callable[[tuple[int, int] | None], None]


class Sandbox:
    """Runs one call at a time; `warm(*arguments)` is called once in the warm process.

    Functions are passed by name, "module:function", so that this process need not import them.

    The warm process ends with the thread that started it, at `close`, or after `idle_seconds`
    without a call. It is replaced if it died.
    """

    def __init__(
        self,
        warm: str,
        *arguments: Any,
        mode: SandboxMode = SandboxMode.AUTO,
        idle_seconds: float | None = None,
    ) -> None:
        self._mode = mode
        self._warm_up_message = pickle.dumps((warm, arguments, idle_seconds))
        self._lock = threading.Lock()
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
        on_progress: ProgressCallback | None = None,
    ) -> Any:
        """Returns the result of `work(*arguments, report)`.

        `work` calls `report(done, total)` as parts are done. If `file` is given, it is opened here
        and its path in the child is the first argument. The result is validated as `returns`: a
        type that pydantic can validate, or bytes.

        An exception raised by `on_progress` ends the work and is raised here. Raises the errors of
        the work; TookTooLong, TookTooMuchMemory and TooMuchOutput for exceeded limits;
        ParserCrashed if the child crashed or sent an invalid result; WorkerCrashed if it was
        killed from outside; SandboxUnavailable if this machine cannot confine it as `mode`
        requires.
        """
        check_sandbox(self._mode)
        request = pickle.dumps(
            Request(work, arguments, returns, limits, self._mode, may_start_programs)
        )
        with self._lock, _opened(file) as opened:
            control, child, results = self._start_child(request, opened)
            try:
                frame = _receive_result(results, limits, on_progress)
                exit_info = _wait_for_exit(control, child)
            except BaseException:
                _kill(child)
                with suppress(WorkerCrashed):
                    _wait_for_exit(control, child)
                raise
            finally:
                os.close(results)
        if frame is None:
            raise error_from_status(exit_info, limits)
        return _decode(*frame, returns)

    @property
    def warm_pid(self) -> int | None:
        """Process id of the warm process, None before the first call."""
        return self._server.pid if self._server else None

    def close(self) -> None:
        """Ends the warm process; the next call starts another."""
        if self._control is not None:
            self._control.close()
        if self._server is not None:
            self._server.wait()
        self._server = self._control = None

    def _start_child(self, request: bytes, opened: list[int]) -> tuple[socket.socket, int, int]:
        """Returns the control socket of the warm process, the process id of the child, and the
        descriptor of the pipe with its result."""
        for attempt in (1, 2):
            control, server = self._warm()
            results, writer = os.pipe()
            try:
                send_message(control, request)
                socket.send_fds(control, [b"f"], [writer, *opened])
                [child] = CHILD_PID.unpack(receive_exactly(control, CHILD_PID.size))
                return control, child, results
            except (OSError, EOFError):  # the warm process died since the last call
                os.close(results)
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
            _log_missing_features(self._mode)
            self._control, server_end = socket.socketpair()
            with server_end:
                self._server = _start_server(server_end.fileno())
            with suppress(OSError):  # the request after it fails too and starts another server
                send_message(self._control, self._warm_up_message)
        return self._control, self._server


@lru_cache(maxsize=1)
def _log_missing_features(mode: SandboxMode) -> None:
    """Logs, once per process, which sandbox features the kernel lacks."""
    if mode is SandboxMode.OFF:
        LOG.warning("read.sandbox is off: only time and memory limits apply to the parser")
    elif missing := kernel_support().missing:
        LOG.warning("The parser is only partly sandboxed: no %s", ", no ".join(missing))


def _start_server(descriptor: int) -> subprocess.Popen[bytes]:
    """Starts the server without a `preexec_fn`: Python then uses vfork and runs no fork handlers.

    Those of gRPC can crash a child that is forked from a process with open channels."""
    return subprocess.Popen(
        (sys.executable, "-m", "runtime.sandbox.server", str(descriptor), str(os.getpid())),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        env=parser_environment(),
    )


@contextmanager
def _opened(file: Path | None) -> Iterator[list[int]]:
    """Yields the descriptors passed to the child: that of the file, or none."""
    if file is None:
        yield []
        return
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield [descriptor]
    finally:
        os.close(descriptor)


def _receive_result(
    results: int, limits: Limits, on_progress: ProgressCallback | None
) -> tuple[bytes, bytes | bytearray] | None:
    """Returns the result or failure frame; None if the child exited without one.

    Raises TookTooLong after `silent_seconds` without a frame or `document_seconds` in all,
    TooMuchOutput and ParserCrashed for invalid frames, and the exceptions of `on_progress`.
    """
    reader = FrameReader(results, limits.output_bytes, limits.max_parts + 1)
    started_at = last_frame_at = time.monotonic()
    while True:
        try:
            frame = reader.read(TICK_SECONDS)
        except EOFError:
            return None
        if frame and frame[0] != PROGRESS:
            return frame
        now = time.monotonic()
        last_frame_at = now if frame else last_frame_at
        is_silent = now - last_frame_at > limits.silent_seconds
        if is_silent or now - started_at > limits.document_seconds:
            raise TookTooLong
        if on_progress is not None:
            on_progress(load_parts(frame[1]) if frame else None)


def _decode(kind: bytes, data: bytes | bytearray, returns: Any) -> Any:
    """Returns the result. Raises the reported failure, and ParserCrashed for invalid data."""
    if kind == RESULT:
        return load(data, returns)
    failure = load_failure(data)
    if failure.detail:
        LOG.error(
            "Work in the sandbox failed:\n%s", _quoted(failure.detail), extra={"action": "failed"}
        )
    raise failure.error()


def _quoted(detail: str) -> str:
    """Prefixes and sanitizes the text of the child, so that it cannot forge log lines."""
    lines = detail.splitlines()
    return "\n".join(
        "  | " + "".join(c if c.isprintable() else "?" for c in line) for line in lines
    )


def _wait_for_exit(control: socket.socket, child: int) -> ExitInfo:
    """Returns the exit status of the child; kills it after EXIT_SECONDS.

    Raises WorkerCrashed if the warm process died.
    """
    try:
        if not select.select([control], [], [], EXIT_SECONDS)[0]:
            _kill(child)
        return ExitInfo(*EXIT_INFO.unpack(receive_exactly(control, EXIT_INFO.size)))
    except (OSError, EOFError):
        raise WorkerCrashed from None


def _kill(child: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(child, signal.SIGKILL)
