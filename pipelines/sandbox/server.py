"""`python -m pipelines.sandbox.server FD`: forks a child for each piece of work. See `sandbox`.

What every piece of work needs is imported once, here, and shared by the children; what one of them
has done to its memory ends with it.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import pkgutil
import signal
import sys
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Any, NoReturn

from domain.errors import InternalError, PaperworksError, TookTooMuchMemory, TooMuchOutput
from pipelines.sandbox.limits import Limits, memory_of_process
from stores.child import die_with_parent


def serve(control: Connection) -> None:
    """Answers requests until the other end is closed."""
    with suppress(EOFError):
        warm, arguments = pickle.loads(control.recv_bytes())
        pkgutil.resolve_name(warm)(*arguments)
        gc.collect()
        gc.freeze()  # the children's collections leave the shared pages alone
        while True:
            _answer(control, control.recv_bytes())


def _answer(control: Connection, request: bytes) -> None:
    """Sends the child's process id, then how it ended: its wait status, and the bytes by which it
    grew at most. The child itself sends the rest."""
    with Connection(recv_handle(control), readable=False) as answers:
        child = os.fork()
        if not child:
            control.close()
            _work(request, answers)
    control.send(child)
    warm_bytes = memory_of_process("VmRSS")
    _, status, used = os.wait4(child, 0)
    with suppress(OSError):
        os.killpg(child, signal.SIGKILL)  # what it started itself
    control.send((status, used.ru_maxrss * 1024 - warm_bytes))


def _work(request: bytes, answers: Connection) -> NoReturn:
    """In the child: does the work, sends `(True, result)` or `(False, error)`, and ends."""
    os.setpgid(0, 0)
    if follow := die_with_parent(signal.SIGKILL):
        follow()
    work, arguments, limits = pickle.loads(request)
    limits.begin()
    try:
        answer = True, pkgutil.resolve_name(work)(*arguments, _teller(answers, limits))
        data = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
        if len(data) > limits.output_bytes:
            raise TooMuchOutput
    except BaseException as error:
        limits.last_words()
        data = pickle.dumps((False, _sendable(error)))
    with suppress(OSError):
        answers.send_bytes(data)
    os._exit(0)


def _teller(answers: Connection, limits: Limits) -> Any:
    def tell(done: int, total: int) -> None:
        """So many parts are done; there is time for one more."""
        limits.next_part(done, total)
        answers.send_bytes(pickle.dumps((None, (done, total))))

    return tell


def _sendable(error: BaseException) -> PaperworksError:
    """The error as one that crosses the border between processes."""
    if isinstance(error, PaperworksError):
        return error
    if isinstance(error, MemoryError):
        return TookTooMuchMemory()
    traceback.print_exception(error)
    name = type(error).__name__
    return InternalError(f"An unexpected {name} stopped this document; the log has the cause.")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(Connection(int(sys.argv[1])))
