"""Fork server of the sandbox: `python -m runtime.sandbox.server FD`. See `runtime.sandbox.client`.

Dependencies of the work are imported once in this process and shared with the children by
copy-on-write. Requests arrive as pickle from the parent, which is trusted. A child inherits only
two descriptors: the pipe for its result and the file that it reads.
"""

from __future__ import annotations

import logging
import os
import pickle
import pkgutil
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from domain.errors import TooMuchOutput
from runtime.garbage import keep_loaded
from runtime.parent_death import adopt_orphans, end_with_parent
from runtime.sandbox.confine import confine
from runtime.sandbox.descendants import wait_for
from runtime.sandbox.limits import Limits, own_memory_bytes
from runtime.sandbox.messages import CHILD_PID, EXIT_INFO, Request, receive_message
from runtime.sandbox.wire import FAILURE, PARTS, PROGRESS, RESULT, dump, failure_of, write_frame


def serve(control: socket.socket) -> None:
    """Serves requests until the other end is closed or no request arrives for `idle_seconds`."""
    with suppress(EOFError):
        adopt_orphans()
        warm, arguments, idle_seconds = pickle.loads(receive_message(control))
        pkgutil.resolve_name(warm)(*arguments)
        keep_loaded()
        while select.select([control], [], [], idle_seconds)[0]:
            _fork_child(control, receive_message(control))


def _fork_child(control: socket.socket, request: bytes) -> None:
    """Sends the child's process id, then its exit status; the child itself sends the result."""
    _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
    server = os.getpid()
    child = os.fork()
    if not child:
        control.close()
        _work(request, descriptors, server)
    for descriptor in descriptors:
        os.close(descriptor)
    control.sendall(CHILD_PID.pack(child))
    warm_bytes = own_memory_bytes("VmRSS")
    status, used = wait_for(child)
    grown_bytes = used.ru_maxrss * 1024 - warm_bytes
    control.sendall(EXIT_INFO.pack(status, grown_bytes, used.ru_utime + used.ru_stime))


def _work(request: bytes, descriptors: Sequence[int], server: int) -> NoReturn:
    """Runs in the child: executes the request, sends its result or failure, and exits."""
    os.setpgid(0, 0)
    end_with_parent(signal.SIGKILL, server)
    _close_all_but(descriptors)
    call: Request = pickle.loads(request)
    results, *files = descriptors
    try:
        work = pkgutil.resolve_name(call.work)
        call.limits.apply()
        confine(call.mode, files, may_start_programs=call.may_start_programs)
        paths = [Path(f"/dev/fd/{file}") for file in files]
        value = work(*paths, *call.arguments, ProgressReporter(results, call.limits))
        kind, data = RESULT, dump(value, call.returns)
        if len(data) > call.limits.output_bytes:
            raise TooMuchOutput
    except BaseException as error:
        call.limits.grace_limits()
        kind, data = FAILURE, failure_of(error).model_dump_json().encode()
    with suppress(OSError):
        write_frame(results, kind, data)
    os._exit(0)


def _close_all_but(descriptors: Sequence[int]) -> None:
    """Closes all other descriptors; the standard streams become /dev/null, because only the parent
    writes logs."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    first = 3
    for kept in sorted(descriptors):
        os.closerange(first, kept)
        first = kept + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


class ProgressReporter:
    """Called by the work as `report(done, total)`: sends progress and extends the CPU limit."""

    def __init__(self, descriptor: int, limits: Limits) -> None:
        self.descriptor = descriptor
        self._limits = limits

    def __call__(self, done: int, total: int) -> None:
        self._limits.allow_next_part(done, total)
        write_frame(self.descriptor, PROGRESS, PARTS.pack(done, total))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(signal.SIGKILL, int(sys.argv[2]))
    serve(socket.socket(fileno=int(sys.argv[1])))
