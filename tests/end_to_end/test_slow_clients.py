"""Hundreds of slow clients: the service responds to all other clients."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from serve_app.client import Client
from tests.pdf_builder.pages import long_paper
from tests.pdf_builder.papers import make_paper
from tests.service import RunningService
from tests.timing import wait_until

UPLOADS, STREAMS, POLLS = 256, 200, 100
ADMITTED_UPLOADS, ADMITTED_STREAMS = 64, 128  # the defaults of http.max_uploads and max_streams
TIMEOUT_SECONDS = 90.0
INCOMPLETE_UPLOAD = (
    "POST /api/v1/upload-async HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/pdf\r\n"
    "Content-Length: 1000000\r\n\r\n%PDF-1.7\n"
)
EVENT_STREAM = "GET /api/v1/jobs/{}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LONG_POLL = "GET /api/v1/jobs/{}?wait=60 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

Open = Callable[[str, int], "Connections"]


class Connections:
    """Connections that have sent a request, and the responses that they received."""

    def __init__(self, connections: list[socket.socket]) -> None:
        self.responses = dict.fromkeys(connections, b"")

    def wait_for_responses(self, status: int, count: int) -> None:
        """Returns when `count` connections have a response with this status; asserts no more."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        with selectors.DefaultSelector() as selector:
            for connection in self.responses:
                selector.register(connection, selectors.EVENT_READ)
            while self.count(status) < count:
                assert time.monotonic() < deadline, (self.count(status), count)
                for key, _ in selector.select(1):
                    self._receive(key.fileobj, selector)  # pyright: ignore[reportArgumentType]
        assert self.count(status) == count

    def _receive(self, connection: socket.socket, selector: selectors.DefaultSelector) -> None:
        try:
            data = connection.recv(65536)
        except ConnectionError:
            data = b""
        self.responses[connection] += data
        if not data:
            selector.unregister(connection)

    def count(self, status: int) -> int:
        """Returns the number of connections whose response has this status."""
        start = f"HTTP/1.1 {status} ".encode()
        return sum(response.startswith(start) for response in self.responses.values())


@pytest.fixture
def connect(service: RunningService) -> Iterator[Open]:
    """Opens connections that send a text and wait; closes them after the test."""
    with ExitStack() as stack:

        def connect(text: str, count: int) -> Connections:
            connections = [
                stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 30))
                for _ in range(count)
            ]
            for connection in connections:
                connection.sendall(text.encode())
            return Connections(connections)

        yield connect


@pytest.fixture
def open_job(library: Client, http: httpx.Client, collection: str) -> Iterator[str]:
    """A job that runs longer than the test; cancelled afterwards."""
    paper = long_paper(collection)
    papers = [("files", (f"{n}.pdf", paper + b"%% copy %d" % n)) for n in range(4)]
    response = http.post("/api/v1/documents", files=papers, data={"collection": collection})
    job_id = response.raise_for_status().json()["job_id"]
    yield job_id
    library.cancel(job_id)


def test_admission_control_keeps_service_responsive_to_other_clients(
    connect: Open, library: Client, http: httpx.Client, collection: str, open_job: str
) -> None:
    streams = connect(EVENT_STREAM.format(open_job), STREAMS)
    polls = connect(LONG_POLL.format(open_job), POLLS)
    streams.wait_for_responses(503, STREAMS - ADMITTED_STREAMS)
    polls.wait_for_responses(503, POLLS)
    uploads = connect(INCOMPLETE_UPLOAD, UPLOADS)
    uploads.wait_for_responses(503, UPLOADS - ADMITTED_UPLOADS)

    refused = http.post("/api/v1/upload-async", files={"file": ("a.pdf", make_paper())})
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert http.get("/livez").status_code == 200
    wait_until(lambda: http.get("/readyz").status_code == 200, TIMEOUT_SECONDS)
    assert http.get("/api/v1/documents").status_code == 200
    found = http.post("/api/v1/search", json={"query": "a stale worker"})
    assert found.status_code == 200
    assert 'rejected_total{request_class="uploads"}' in http.get("/metrics").text

    uploads.wait_for_responses(408, ADMITTED_UPLOADS)  # their slots are released
    accepted = library.upload(make_paper(), collection)
    assert accepted.job_id
    streams.wait_for_responses(200, ADMITTED_STREAMS)


def test_protocol_closes_idle_and_trickling_connections(
    service: RunningService, connect: Open, http: httpx.Client
) -> None:
    idle = connect("", 500)
    half = connect("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ", 500)
    for _ in range(20):
        with httpx.Client(base_url=service.url, timeout=30) as fresh:
            assert fresh.get("/livez").status_code == 200
    assert http.get("/api/v1/collections").status_code == 200
    for connections in (idle, half):  # all are closed without a response
        with selectors.DefaultSelector() as selector:
            for connection in connections.responses:
                selector.register(connection, selectors.EVENT_READ)
            wait_until(lambda: _count_open(selector) == 0, TIMEOUT_SECONDS)
        assert not any(connections.responses.values())


def _count_open(selector: selectors.DefaultSelector) -> int:
    """Unregisters closed connections; returns the number of open ones."""
    for key, _ in selector.select(1):
        connection = key.fileobj
        assert isinstance(connection, socket.socket)
        with suppress(ConnectionError):
            assert connection.recv(4096) == b""
        selector.unregister(connection)
    return len(selector.get_map())
