"""Hundreds of clients that are slow on purpose: the service answers everybody else."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from serve_app.client import Client
from tests.end_to_end.test_job_control_commands import long_paper
from tests.pdf_builder.papers import make_paper
from tests.service import RunningService

UPLOADS, STREAMS, POLLS = 256, 200, 100
ADMITTED_UPLOADS, ADMITTED_STREAMS = 64, 128  # the defaults of http.max_uploads and max_streams
PATIENCE_SECONDS = 90.0
BEGUN_UPLOAD = (
    "POST /api/v1/upload-async HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/pdf\r\n"
    "Content-Length: 1000000\r\n\r\n%PDF-1.7\n"
)
FOLLOW = "GET /api/v1/jobs/{}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POLL = "GET /api/v1/jobs/{}?wait=60 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

Send = Callable[[str, int], "Crowd"]


class Crowd:
    """Connections that have sent something, and what they were answered."""

    def __init__(self, connections: list[socket.socket]) -> None:
        self.answers = dict.fromkeys(connections, b"")

    def listen(self, status: int, count: int) -> None:
        """Returns when so many have an answer of this status. No more may have one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with selectors.DefaultSelector() as selector:
            for connection in self.answers:
                selector.register(connection, selectors.EVENT_READ)
            while self.having(status) < count:
                assert time.monotonic() < deadline, (self.having(status), count)
                for key, _ in selector.select(1):
                    self._take(key.fileobj, selector)  # pyright: ignore[reportArgumentType]
        assert self.having(status) == count

    def _take(self, connection: socket.socket, selector: selectors.DefaultSelector) -> None:
        try:
            piece = connection.recv(65536)
        except ConnectionError:
            piece = b""
        self.answers[connection] += piece
        if not piece:
            selector.unregister(connection)

    def having(self, status: int) -> int:
        """How many have an answer of this status."""
        begin = f"HTTP/1.1 {status} ".encode()
        return sum(answer.startswith(begin) for answer in self.answers.values())


@pytest.fixture
def send(service: RunningService) -> Iterator[Send]:
    """Opens so many connections that send this and wait; all are closed afterwards."""
    with ExitStack() as stack:

        def send(text: str, count: int) -> Crowd:
            connections = [
                stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 30))
                for _ in range(count)
            ]
            for connection in connections:
                connection.sendall(text.encode())
            return Crowd(connections)

        yield send


@pytest.fixture
def open_job(library: Client, http: httpx.Client, collection: str) -> Iterator[str]:
    """A job that has work for long enough; cancelled afterwards."""
    paper = long_paper(collection)
    papers = [("files", (f"{n}.pdf", paper + b"%% copy %d" % n)) for n in range(4)]
    answer = http.post("/api/v1/documents", files=papers, data={"collection": collection})
    job_id = answer.raise_for_status().json()["job_id"]
    yield job_id
    library.cancel(job_id)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_admission_control_keeps_service_responsive_to_other_clients(
    send: Send, library: Client, http: httpx.Client, collection: str, open_job: str
) -> None:
    streams = send(FOLLOW.format(open_job), STREAMS)
    polls = send(POLL.format(open_job), POLLS)
    streams.listen(503, STREAMS - ADMITTED_STREAMS)
    polls.listen(503, POLLS)
    uploads = send(BEGUN_UPLOAD, UPLOADS)
    uploads.listen(503, UPLOADS - ADMITTED_UPLOADS)

    refused = http.post("/api/v1/upload-async", files={"file": ("a.pdf", make_paper())})
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert http.get("/livez").status_code == 200
    until(lambda: http.get("/readyz").status_code == 200)
    assert http.get("/api/v1/documents").status_code == 200
    found = http.post("/api/v1/search", json={"query": "a stale worker"})
    assert found.status_code == 200
    assert 'rejected_total{request_class="uploads"}' in http.get("/metrics").text

    uploads.listen(408, ADMITTED_UPLOADS)  # they are cut off, and their places are free again
    accepted = library.upload(make_paper(), collection)
    assert accepted.job_id
    streams.listen(200, ADMITTED_STREAMS)


def test_protocol_closes_idle_and_trickling_connections(
    service: RunningService, send: Send, http: httpx.Client
) -> None:
    silent = send("", 500)
    half = send("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ", 500)
    for _ in range(20):
        with httpx.Client(base_url=service.url, timeout=30) as fresh:
            assert fresh.get("/livez").status_code == 200
    assert http.get("/api/v1/collections").status_code == 200
    for crowd in (silent, half):  # all of them are closed without an answer
        with selectors.DefaultSelector() as selector:
            for connection in crowd.answers:
                selector.register(connection, selectors.EVENT_READ)
            until(lambda: _drain(selector) == 0)
        assert not any(crowd.answers.values())


def _drain(selector: selectors.DefaultSelector) -> int:
    """Reads what there is; how many connections are still open."""
    for key, _ in selector.select(1):
        connection = key.fileobj
        assert isinstance(connection, socket.socket)
        with suppress(ConnectionError):
            assert connection.recv(4096) == b""
        selector.unregister(connection)
    return len(selector.get_map())
