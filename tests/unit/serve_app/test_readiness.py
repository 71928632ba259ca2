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


def test_wait_until_ready_logs_failing_checks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "serve_app.process.readiness")
    with responding(STARTING, STARTING, (200, b"{}")) as url:
        wait_until_ready(url, log_interval_seconds=0)
    assert len(caplog.messages) == 2
    assert caplog.messages[0].endswith("job_manager: The workers are still warming up.")


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
