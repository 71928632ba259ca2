"""Answers on the port of a service that is starting, until its API processes listen there."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import uvicorn

from domain.errors import ServiceNotReady
from serve_app.schemas.core import Alive, Problem

PROBLEM_MEDIA_TYPE = "application/problem+json"  # RFC 9457
MAX_CONNECTIONS = 100
CLOSE_SECONDS, CLOSE_POLL_SECONDS = 2, 0.01


class StartingServer:
    """An HTTP server in a thread: /livez is 200, everything else 503 with the phases of the start.

    Shares its port with the API processes (SO_REUSEPORT), so that the port never closes between.
    Each response closes its connection: the next request reaches an API process once one listens.
    `states` returns what each component that is not ready does. Raises OSError for a taken port.
    """

    def __init__(self, host: str, port: int, states: Callable[[], Mapping[str, str]]) -> None:
        self._states = states
        self._is_stopping = threading.Event()
        self._connecting = set[asyncio.Task[Any]]()
        self._socket = _shared_socket(host, port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._answer,
                interface="asgi3",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_graceful_shutdown=CLOSE_SECONDS,
            )
        )
        self._thread = threading.Thread(target=self._run, name="starting-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Closes the port of this server; returns after its last response. Idempotent."""
        self._is_stopping.set()
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        """Serves until `stop`; then answers every connection that the kernel had accepted.

        The loop accepts, not uvicorn: asyncio drops connections accepted just before it closes.
        """
        loop = asyncio.get_running_loop()
        serving = asyncio.create_task(self._server.serve(sockets=[]))
        loop.add_reader(self._socket, self._accept)
        await asyncio.to_thread(self._is_stopping.wait)
        loop.remove_reader(self._socket)
        self._accept()
        self._socket.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._requests_answered()
        self._server.should_exit = True
        await serving

    def _accept(self) -> None:
        """Accepts the connections that wait in the queue of the kernel."""
        loop = asyncio.get_running_loop()
        with suppress(BlockingIOError):
            while True:
                connection, _ = self._socket.accept()
                connecting = loop.connect_accepted_socket(self._protocol, connection)
                task = loop.create_task(connecting)
                self._connecting.add(task)
                task.add_done_callback(self._connecting.discard)

    def _protocol(self) -> asyncio.Protocol:
        protocol_class: Any = self._server.config.http_protocol_class
        state = self._server.server_state
        return protocol_class(config=self._server.config, server_state=state, app_state={})

    async def _requests_answered(self) -> None:
        """Returns without open connections: uvicorn drops those whose request has not arrived."""
        connections = self._server.server_state.connections  # without an event for its changes
        while self._connecting or connections:  # noqa: ASYNC110
            await asyncio.sleep(CLOSE_POLL_SECONDS)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        is_alive = scope["path"] == "/livez"
        status, kind = (200, "application/json") if is_alive else (503, PROBLEM_MEDIA_TYPE)
        body = Alive(process=os.getpid()) if is_alive else starting_problem(self._states())
        headers = {
            "Content-Type": kind,
            "Retry-After": str(ServiceNotReady.retry_after_seconds),
            "Connection": "close",
        }
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        content = body.model_dump_json(exclude_none=True).encode()
        await send({"type": "http.response.body", "body": content})


def starting_problem(states: Mapping[str, str]) -> Problem:
    """Returns the problem that /readyz answers while the service starts."""
    return Problem(
        type=f"urn:paperworks:problem:{ServiceNotReady.code}",
        title="Service Unavailable",
        status=503,
        code=ServiceNotReady.code,
        detail=f"Not ready: {', '.join(states)}. The service is starting; try again later.",
        retry_after_seconds=ServiceNotReady.retry_after_seconds,
        checks=dict(states),
        process=os.getpid(),
    )


def _shared_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    shared = socket.socket(family, socket.SOCK_STREAM)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        shared.bind((host, port))
        shared.listen(MAX_CONNECTIONS)
        shared.setblocking(False)
    except OSError:
        shared.close()
        raise
    return shared
