"""Signals that stop `paperworks up`, whichever thread of the process receives them."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from serve_app.process.stop_signals import DEFERRED

pytestmark = pytest.mark.slow  # starts processes

# The main thread waits; `send` sends a signal to the other thread, which does not wake the first.
PROGRAM = """
import signal, threading
from concurrent.futures import Future
from serve_app.process.stop_signals import (
    StopRequested, result_or_stop, stop_deferred, stop_on_signals, wait_for_stop
)

def send(name="SIGTERM"):
    signal.pthread_kill(threading.get_ident(), signal.Signals[name])

def later(call):
    threading.Timer(1, call).start()

stop_on_signals()
try:
    {body}
except StopRequested as request:
    print("stopped by", request)
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    code = PROGRAM.format(body=body.strip().replace("\n", "\n    "))
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("wait", ["wait_for_stop()", "result_or_stop(Future())"])
def test_signal_to_another_thread_ends_wait(wait: str, name: str) -> None:
    done = run(f"later(lambda: send({name!r})); {wait}")
    assert (done.stdout, done.returncode) == (f"stopped by {name}\n", 0), done.stderr


def test_result_or_stop_returns_result() -> None:
    done = run("""
future = Future()
later(lambda: future.set_result(7))
print(result_or_stop(future))
""")
    assert (done.stdout, done.returncode) == ("7\n", 0), done.stderr


def test_result_or_stop_raises_exception_of_future() -> None:
    done = run("future = Future(); future.set_exception(KeyError())\nresult_or_stop(future)")
    assert done.returncode == 1
    assert "KeyError" in done.stderr


@pytest.mark.parametrize("end", ["print('end')", "raise OSError"])
def test_deferred_stop_comes_at_end_of_block(end: str) -> None:
    done = run(f"""
with stop_deferred():
    signal.raise_signal(signal.SIGTERM)
    print("not interrupted")
    {end}
""")
    words = ["not interrupted", *(["end"] if "end" in end else []), "stopped by SIGTERM"]
    assert (done.stdout.splitlines(), done.returncode) == (words, 0), done.stderr
    assert done.stderr == DEFERRED.decode()


def test_deferred_stop_needs_no_reader_of_its_message() -> None:
    done = run("""
import os
reader, writer = os.pipe()
os.dup2(writer, 2)
os.close(writer)
os.close(reader)
with stop_deferred():
    signal.raise_signal(signal.SIGTERM)
    print("not interrupted")
""")
    assert (done.stdout, done.returncode) == ("not interrupted\nstopped by SIGTERM\n", 0)


def test_signal_after_deferral_stops_at_once() -> None:
    done = run("""
with stop_deferred():
    pass
signal.raise_signal(signal.SIGINT)
print("not reached")
""")
    assert (done.stdout, done.returncode) == ("stopped by SIGINT\n", 0), done.stderr


@pytest.mark.parametrize("wait", ["wait_for_stop()", "result_or_stop(Future())"])
def test_signal_whose_exception_was_lost_ends_next_wait(wait: str) -> None:
    """An exception in a finalizer is lost, as one in code that Python calls from C."""
    done = run(f"""
class Finalized:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

Finalized()
{wait}
""")
    assert (done.stdout, done.returncode) == ("stopped by SIGTERM\n", 0), done.stderr
    assert "Exception ignored" in done.stderr


@pytest.mark.parametrize("deferring", ["with stop_deferred():", "if True:"])
def test_second_signal_ends_process(deferring: str) -> None:
    done = run(f"""
{deferring}
    try:
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.raise_signal(signal.SIGTERM)
""")
    assert done.returncode == -signal.SIGTERM
