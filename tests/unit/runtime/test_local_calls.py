"""Calls between processes of one user: responses, errors, cancellation, other users."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from runtime.local_calls import LocalClient, LocalServer
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
LARGE = 3_000_000  # bytes: more than the buffers of a socket


class Answers:
    """Answers with the request; waits for `released` if that is "slow"; fails for "error"."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.connections = set[int]()

    def __call__(self, request: bytes) -> bytes:
        self.connections.add(threading.get_ident())
        if request == b"error":
            raise ValueError("an error of the server")
        if request == b"slow":
            self.released.wait(30)
        return request


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def server(answers: Answers) -> Iterator[LocalServer]:
    server = LocalServer(answers)
    yield server
    answers.released.set()
    server.close()


async def test_every_call_gets_its_own_response(server: LocalServer, answers: Answers) -> None:
    client = LocalClient(server.address, connections=3)
    requests = [f"request {number}".encode() * number for number in range(50)] + [b"x" * LARGE]
    assert await asyncio.gather(*map(client.call, requests)) == requests
    assert len(answers.connections) <= 3
    client.close()


async def test_cancelled_call_leaves_no_response_for_the_next_one(
    server: LocalServer, answers: Answers
) -> None:
    client = LocalClient(server.address, connections=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.call(b"slow"), 0.2)
    answers.released.set()
    assert await client.call(b"next") == b"next"
    client.close()


async def test_error_of_the_server_is_an_os_error_and_the_next_call_works(
    server: LocalServer,
) -> None:
    client = LocalClient(server.address)
    with pytest.raises(OSError, match="ended before the response"):
        await client.call(b"error")
    assert await client.call(b"") == b""
    client.close()


async def test_closed_server_is_an_os_error(server: LocalServer) -> None:
    server.close()
    with pytest.raises(OSError, match="refused"):
        await LocalClient(server.address).call(b"")


async def test_process_of_another_user_gets_no_response() -> None:
    server = LocalServer(lambda request: request, user=os.getuid() + 1)
    with pytest.raises(OSError, match=r"reset|ended|Broken"):
        await LocalClient(server.address).call(b"secret")
    server.close()


async def test_server_of_another_user_gets_no_request(
    server: LocalServer, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(PermissionError, match="belongs to the user"):
        await LocalClient(server.address).call(b"secret")
    assert not answers.connections


async def test_calls_reach_another_process() -> None:
    program = (
        "import sys; from runtime.local_calls import LocalServer\n"
        "server = LocalServer(lambda request: request.upper())\n"
        "print(server.address[1:], flush=True); sys.stdin.read()"
    )
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), cwd=ROOT, stdin=pipe, stdout=pipe
    )
    assert process.stdout is not None
    client = LocalClient("\0" + (await process.stdout.readline()).decode().strip())
    assert await client.call(b"query") == b"QUERY"
    process.kill()
    await process.wait()
    with pytest.raises(OSError, match=r"reset|ended|Broken"):
        await client.call(b"query")
