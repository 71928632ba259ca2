"""HTTP protocol on a real socket: header timeout, sizes, lingering, stalled responses."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from runtime.http_options import HttpOptions
from serve_app.http import protocol
from tests.unit.serve_app.library import Library
from tests.unit.serve_app.served import served

LIMITS = HttpOptions(header_seconds=0.5, header_limit_bytes=4096, answer_stall_seconds=0.5)
HEAD = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"
WITHIN_SECONDS = 20.0

Connect = Callable[[], socket.socket]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Opens connections to a library with short timeouts."""
    with connecting(Library(tmp_path, http=LIMITS)) as opened:
        yield opened


@contextmanager
def connecting(library: Library) -> Iterator[Connect]:
    with served(library) as url, ExitStack() as stack:
        port = int(url.rsplit(":", 1)[1])

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))

        yield connect


def everything(connection: socket.socket) -> bytes:
    """Returns all data until the server closes or resets the connection."""
    connection.settimeout(WITHIN_SECONDS)
    got = b""
    try:
        while piece := connection.recv(65536):
            got += piece
    except ConnectionError:
        pass
    return got


def answer(connection: socket.socket) -> bytes:
    """Returns the next complete response of an open connection."""
    connection.settimeout(WITHIN_SECONDS)
    got = b""
    while b"\r\n\r\n" not in got or not got.rstrip().endswith(b"}"):
        piece = connection.recv(65536)
        assert piece, got
        got += piece
    return got


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /livez HTT", HEAD])
def test_protocol_times_out_incomplete_headers(connect: Connect, sent: bytes) -> None:
    connection = connect()
    connection.sendall(sent)
    assert everything(connection) == b""


def test_protocol_keeps_connection_alive_until_idle_timeout(connect: Connect) -> None:
    connection = connect()
    for _ in range(3):
        connection.sendall(HEAD + b"\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 200")
    connection.sendall(b"\r\n\r\n")  # not a request, so it does not keep the connection open
    assert everything(connection) == b""


def test_protocol_closes_connection_with_trickling_headers(connect: Connect) -> None:
    connection = connect()
    connection.sendall(HEAD)
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        while time.monotonic() < began + WITHIN_SECONDS:
            connection.sendall(b"X-A: b\r\n")
            time.sleep(0.05)


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"X-Long: " + b"x" * 5000,
        HEAD + b"X-Long: " + b"x" * 5000 + b"\r\n\r\n",
        HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(600)) + b"\r\n",
        b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    ids=["without an end", "one long", "many", "long path"],
)
def test_protocol_rejects_long_headers(connect: Connect, sent: bytes) -> None:
    connection = connect()
    connection.sendall(sent)
    got = everything(connection)
    assert got.startswith(b"HTTP/1.1 431 ")
    assert b'"headers_too_large"' in got and b"application/problem+json" in got


def test_protocol_does_not_count_body_as_headers(connect: Connect) -> None:
    connection = connect()
    body = b'{"query": "' + b"x" * 3000 + b'"}'
    head = b"POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    connection.sendall(request * 3)
    got = b""
    while got.count(b"HTTP/1.1 200") < 3:
        piece = connection.recv(65536)
        assert piece, got
        got += piece


def test_protocol_closes_connection_with_endless_trailers_or_framing(connect: Connect) -> None:
    start = b"POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    for more in (b"0\r\n" + b"X-T: y\r\n" * 2000, b"0" * 20_000 + b"1\r\nx\r\n"):
        connection = connect()
        connection.sendall(start)
        time.sleep(0.2)  # what comes in one piece with the headers is not counted
        began = time.monotonic()
        connection.sendall(more)
        assert b"200 OK" not in everything(connection)
        assert time.monotonic() < began + protocol.LINGER_SECONDS / 2


def test_protocol_limits_pipelined_requests(connect: Connect) -> None:
    connection = connect()
    connection.sendall((HEAD + b"\r\n") * 100)
    assert everything(connection).count(b"HTTP/1.1 200") < 100


def test_protocol_closes_connection_that_sends_after_the_response(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.5)
    connection = connect()
    head = b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
    connection.sendall(head + b"x")
    assert answer(connection).startswith(b"HTTP/1.1 404")
    assert everything(connection) == b""


def test_protocol_closes_connection_that_reads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, connection_lost = threading.Event(), protocol.GuardedProtocol.connection_lost

    def note_and_lose(self: protocol.GuardedProtocol, exc: Exception | None) -> None:
        connection_lost(self, exc)
        lost.set()

    monkeypatch.setattr(protocol.GuardedProtocol, "connection_lost", note_and_lose)
    library = Library(tmp_path, http=LIMITS)
    with connecting(library) as connect:
        connection = connect()
        # Not smaller: what the kernel still holds for us goes through this window, slowly.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
        request = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        connection.sendall(request * 10)  # 15 MB, more than any buffer between us
        assert lost.wait(WITHIN_SECONDS)
        assert len(everything(connection)) < 10_000_000


def test_protocol_evicts_connection_idle_for_longest(tmp_path: Path) -> None:
    limits = HttpOptions(max_connections=5)
    with connecting(Library(tmp_path, http=limits)) as connect:
        waiting = [connect() for _ in range(5)]
        for connection in waiting[1:]:
            connection.sendall(HEAD + b"\r\n")
            answer(connection)
        newcomer = connect()
        newcomer.sendall(HEAD + b"\r\n")
        assert answer(newcomer).startswith(b"HTTP/1.1 200")
        assert everything(waiting[0]) == b""
        for connection in waiting[1:]:
            connection.sendall(HEAD + b"\r\n")
            assert answer(connection).startswith(b"HTTP/1.1 200")


def test_protocol_returns_503_when_all_connections_are_busy(tmp_path: Path) -> None:
    limits = HttpOptions(max_connections=2)
    with connecting(Library(tmp_path, http=limits)) as connect:
        uploads = [connect(), connect()]
        for connection in uploads:
            connection.sendall(
                b"POST /api/v1/upload-async HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/pdf\r\nContent-Length: 100\r\n\r\n%PDF-1.7"
            )
        time.sleep(0.3)  # both are in progress now
        got = everything(connect())
        assert got.startswith(b"HTTP/1.1 503 ") and b'"overloaded"' in got and b"Retry-After" in got


def test_protocol_reserves_file_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [100, 300]
    monkeypatch.setattr(protocol.resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(
        protocol.resource, "setrlimit", lambda _, given: limits.__setitem__(0, given[0])
    )
    assert protocol.Connections(40).max_open == 40
    assert limits == [100, 300]
    assert protocol.Connections(2048).max_open == 150
    assert limits == [300, 300]
