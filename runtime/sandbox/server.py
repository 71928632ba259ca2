"""`python -m runtime.sandbox.server FD`: forks a child for each piece of work. See `sandbox`.

What every piece of work needs is imported once, here, and shared by the children; what one of them
has done to its memory ends with it. Requests come from the parent, which is trusted, as pickle. The
child holds nothing of this process but the pipe for its answer and the file that it reads.
"""

from __future__ import annotations

import gc
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
from runtime.processes import pdeathsig_preexec
from runtime.sandbox.confine import confine
from runtime.sandbox.descendants import adopt_orphans, wait_for
from runtime.sandbox.limits import Limits, memory_of_process
from runtime.sandbox.messages import CHILD, ENDING, Request, receive_message
from runtime.sandbox.wire import FAILURE, PARTS, PROGRESS, RESULT, dump, failure_of, write_frame


def serve(control: socket.socket) -> None:
    """Answers requests until the other end is closed, or for too long none has come."""
    with suppress(EOFError):
        adopt_orphans()
        warm, arguments, idle_seconds = pickle.loads(receive_message(control))
        pkgutil.resolve_name(warm)(*arguments)
        gc.collect()
        gc.freeze()  # the children's collections leave the shared pages alone
        while select.select([control], [], [], idle_seconds)[0]:
            _answer(control, receive_message(control))


def _answer(control: socket.socket, request: bytes) -> None:
    """Sends the child's process id, then how it ended. The child itself sends the answer."""
    _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
    child = os.fork()
    if not child:
        control.close()
        _work(request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    control.sendall(CHILD.pack(child))
    warm_bytes = memory_of_process("VmRSS")
    status, used = wait_for(child)
    grown_bytes = used.ru_maxrss * 1024 - warm_bytes
    control.sendall(ENDING.pack(status, grown_bytes, used.ru_utime + used.ru_stime))


def _work(request: bytes, descriptors: Sequence[int]) -> NoReturn:
    """In the child: does the work, sends its result or its failure, and ends."""
    os.setpgid(0, 0)
    if follow := pdeathsig_preexec(signal.SIGKILL):
        follow()
    _close_all_but(descriptors)
    wanted: Request = pickle.loads(request)
    answers, *files = descriptors
    try:
        work = pkgutil.resolve_name(wanted.work)
        wanted.limits.begin()
        confine(wanted.mode, files, may_start_programs=wanted.may_start_programs)
        paths = [Path(f"/dev/fd/{file}") for file in files]
        value = work(*paths, *wanted.arguments, Teller(answers, wanted.limits))
        kind, data = RESULT, dump(value, wanted.returns)
        if len(data) > wanted.limits.output_bytes:
            raise TooMuchOutput
    except BaseException as error:
        wanted.limits.grace_limits()
        kind, data = FAILURE, failure_of(error).model_dump_json().encode()
    with suppress(OSError):
        write_frame(answers, kind, data)
    os._exit(0)


def _close_all_but(descriptors: Sequence[int]) -> None:
    """Leaves these, and the standard streams at /dev/null: the log is the parent's to write."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    first = 3
    for kept in sorted(descriptors):
        os.closerange(first, kept)
        first = kept + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


class Teller:
    """What the work calls as `tell(done, total)`: there is time for one more part then."""

    def __init__(self, descriptor: int, limits: Limits) -> None:
        self.descriptor = descriptor
        self._limits = limits

    def __call__(self, done: int, total: int) -> None:
        self._limits.next_part(done, total)
        write_frame(self.descriptor, PROGRESS, PARTS.pack(done, total))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(socket.socket(fileno=int(sys.argv[1])))
