"""Waiting for a starting service, against an HTTP server with scripted responses."""

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
from serve_app.process.phase_log import PhaseLog
from serve_app.process.readiness import (
    NotReady,
    wait_until_another_answers,
    wait_until_ready,
)
from serve_app.schemas.core import Alive, Ready

WARMING_UP: dict[str, Any] = {
    "type": "about:blank",
    "title": "Not ready",
    "status": 503,
    "code": "not_ready",
    "detail": "Not ready: job_manager.",
    "checks": {"database": "ok", "job_manager": "The workers are still warming up."},
}


@contextmanager
def responding(*responses: tuple[int, bytes]) -> Iterator[str]:
    """Yields the URL of a server that sends these responses in order and repeats the last one."""
    remaining = list(responses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Prints nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


STARTING = (503, json.dumps(WARMING_UP).encode())


def ready(process: int) -> tuple[int, bytes]:
    return 200, Ready(process=process, checks={}).model_dump_json().encode()


def test_wait_until_ready_logs_each_state_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "serve_app.process.phase_log")
    with responding(STARTING, STARTING, ready(1)) as url:
        wait_until_ready(url)
    first, second = caplog.messages
    assert first.startswith("job_manager: The workers are still warming up. (0.0 s)")
    assert second.startswith("job_manager: ready after ")


def test_wait_until_ready_waits_for_every_process() -> None:
    with responding(ready(1), ready(1), STARTING, ready(2)) as url:
        wait_until_ready(url, processes=2)
    with responding(ready(1)) as url, pytest.raises(NotReady, match="1 of 2 processes"):
        wait_until_ready(url, processes=2, timeout_seconds=0.3)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (STARTING, "job_manager: The workers are still warming up."),
        ((502, b"Bad Gateway"), "Bad Gateway"),
    ],
)
def test_wait_until_ready_timeout_reports_last_response(
    response: tuple[int, bytes], words: str
) -> None:
    with responding(response) as url, pytest.raises(NotReady, match=words):
        wait_until_ready(url, timeout_seconds=0.3)


@pytest.mark.parametrize("is_alive", [lambda: True, lambda: False])
def test_wait_until_ready_fails_without_a_server(is_alive: Callable[[], bool]) -> None:
    with pytest.raises(NotReady, match=r"refused|no response"):
        wait_until_ready(f"http://127.0.0.1:{free_port()}", timeout_seconds=0.3, is_alive=is_alive)


def test_wait_until_another_answers_ignores_own_process() -> None:
    alive = [(200, Alive(process=number).model_dump_json().encode()) for number in (1, 1, 2)]
    with responding(*alive) as url:
        wait_until_another_answers(url, process=1)


def test_phase_log_limits_lines_of_progress(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "serve_app.process.phase_log")
    now = [0.0]
    phases = PhaseLog(clock=lambda: now[0])
    for loaded in range(0, 5000, 100):  # for 5 s
        phases.show({"vector_store": f"loading {loaded:,} of 5,000 chunks"})
        now[0] += 0.1
    phases.show({"vector_store": "opening the port"})
    phases.show({})
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "loading 0 of 5,000 chunks (0.0 s)",
        "loading 2,000 of 5,000 chunks (2.0 s)",
        "loading 4,000 of 5,000 chunks (4.0 s)",
        "opening the port (5.0 s)",
        "ready after 5.0 s",
    ]
