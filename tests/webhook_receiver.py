"""An HTTP server on loopback that records webhook requests and answers as the test says."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.timing import wait_until


@dataclass(frozen=True, slots=True)
class Received:
    """A request, with lower-case header names."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def delivery_id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """Returns the payload, verified by the reference library. Raises on a wrong signature."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """The requests so far. `statuses`: of the next responses; then 204.

    A response waits until `answers` is set; the request with the number `held` clears it.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    received: list[Received] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)
    held: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, request: Received) -> None:
        """Adds the request; returns when it may be answered."""
        with self.lock:
            self.received.append(request)
            if len(self.received) == self.held:
                self.answers.clear()
        self.answers.wait()

    def resume(self) -> None:
        """Answers the requests that wait, and all later ones."""
        with self.lock:
            self.held = None
            self.answers.set()

    def wait_for(self, count: int) -> list[Received]:
        """Returns the requests once there are `count` of them."""
        wait_until(lambda: len(self.received) >= count)
        return self.received


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Yields a running server on a free port."""
    state = Receiver()
    state.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length)
            if len(body) < length:  # the sender was killed before it had sent all of the request
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.record(Received(self.path, headers, body))
            self.send_response(state.statuses.pop(0) if state.statuses else 204)
            for name, value in state.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, format: str, *args: object) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/papers"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        state.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
