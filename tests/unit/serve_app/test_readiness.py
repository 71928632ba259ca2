"""Waiting for a service that starts, against a server that says what a starting one says."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from runtime.ports import free_port
from serve_app.process.readiness import NotReady, wait_until_ready

WARMING_UP: dict[str, Any] = {
    "type": "about:blank",
    "title": "Not ready",
    "status": 503,
    "code": "not_ready",
    "detail": "Not ready: job_manager.",
    "checks": {"database": "ok", "job_manager": "The workers are still warming up."},
}


@contextmanager
def answering(*answers: tuple[int, bytes]) -> Iterator[str]:
    """The address of a server that gives these answers in turn, the last one for ever."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


STARTING = (503, json.dumps(WARMING_UP).encode())


def test_what_it_waits_for_is_said_and_then_it_is_ready(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "serve_app.process.readiness")
    with answering(STARTING, STARTING, (200, b"{}")) as url:
        wait_until_ready(url, say_every_seconds=0)
    assert len(caplog.messages) == 2
    assert caplog.messages[0].endswith("job_manager: The workers are still warming up.")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (STARTING, "job_manager: The workers are still warming up."),
        ((502, b"Bad Gateway"), "Bad Gateway"),
    ],
)
def test_when_time_is_up_the_last_answer_is_the_reason(
    answer: tuple[int, bytes], words: str
) -> None:
    with answering(answer) as url, pytest.raises(NotReady, match=words):
        wait_until_ready(url, within_seconds=0.3)


@pytest.mark.parametrize("alive", [lambda: True, lambda: False])
def test_nobody_answers(alive: Callable[[], bool]) -> None:
    with pytest.raises(NotReady, match=r"refused|nothing answered"):
        wait_until_ready(f"http://127.0.0.1:{free_port()}", within_seconds=0.3, alive=alive)
