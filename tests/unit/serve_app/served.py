"""Serves the library on a local port, with a worker that completes queued tasks."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from serve_app.http.protocol import guarded_protocol
from tests.unit.serve_app.library import Library


@pytest.fixture
def url(library: Library) -> Iterator[str]:
    """The URL of the library on a free port, with a running worker."""
    with served(library) as address:
        yield address


@contextmanager
def served(library: Library) -> Iterator[str]:
    """Yields the URL of the service. Its worker fails papers named "bad" and reads the others."""
    with running_server(library.app, guarded_protocol(library.limits), _work(library)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running_server(
    app: FastAPI, protocol: type[asyncio.Protocol] | str, work: Coroutine[Any, Any, None]
) -> Iterator[int]:
    """Serves the app in a thread, with `work` on the same event loop; yields the port."""
    # With an explicit protocol: otherwise asyncio leaves Nagle on and a response takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        log_level="critical",
        timeout_graceful_shutdown=1,
        http=protocol,  # pyright: ignore[reportArgumentType]
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(_serve(server, listener, work)))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server thread ended"
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


async def _serve(
    server: uvicorn.Server, listener: socket.socket, work: Coroutine[Any, Any, None]
) -> None:
    worker = asyncio.create_task(work)
    await server.serve(sockets=[listener])
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


async def no_work() -> None:
    """Ends at once: for servers without a worker."""


async def _work(library: Library) -> None:
    while True:
        library.worker_busy = True
        if not library.worker_paused:
            await library.read_papers(refuse="bad")
            await library.erase()
        library.worker_busy = False
        await asyncio.sleep(0.02)
