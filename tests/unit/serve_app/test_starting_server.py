"""StartingServer: answers on the port of a service that is starting."""

from __future__ import annotations

import os
import socket
import threading

import httpx

from runtime.ports import free_port, is_listening
from serve_app.process.starting_server import StartingServer
from serve_app.schemas.core import Problem
from tests.timing import wait_until

STATES = {"ray": "starting for 3 s", "vector_store": "loading 10 of 20 chunks"}


def test_starting_server_is_alive_and_not_ready() -> None:
    port = free_port()
    server = StartingServer("127.0.0.1", port, lambda: STATES)
    try:
        url = f"http://127.0.0.1:{port}"
        alive = httpx.get(f"{url}/livez")
        assert (alive.status_code, alive.json()["process"]) == (200, os.getpid())
        for response in (httpx.get(f"{url}/readyz"), httpx.post(f"{url}/api/v1/search", json={})):
            problem = Problem.model_validate_json(response.content)
            assert (response.status_code, problem.code, problem.checks) == (
                503,
                "not_ready",
                STATES,
            )
            assert response.headers["retry-after"]
    finally:
        server.stop()
    assert not is_listening(port)


def test_starting_server_shares_its_port_with_api_process() -> None:
    port = free_port()
    server = StartingServer("127.0.0.1", port, lambda: STATES)
    with socket.socket() as replica:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            replica.setsockopt(socket.SOL_SOCKET, option, 1)
        replica.bind(("127.0.0.1", port))
        replica.listen()
        server.stop()
        assert is_listening(port)


def test_starting_server_closes_each_connection_so_that_clients_reach_the_api() -> None:
    port = free_port()
    server = StartingServer("127.0.0.1", port, lambda: STATES)
    try:
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").headers["connection"] == "close"
    finally:
        server.stop()


def test_starting_server_answers_connections_opened_before_it_stopped() -> None:
    port = free_port()
    server = StartingServer("127.0.0.1", port, lambda: STATES)
    stopping = threading.Thread(target=server.stop)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        stopping.start()
        wait_until(lambda: not is_listening(port), 20)
        connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: paperworks\r\n\r\n")
        assert connection.makefile("rb").readline() == b"HTTP/1.1 503 Service Unavailable\r\n"
    stopping.join()
