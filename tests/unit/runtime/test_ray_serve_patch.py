"""Patched Serve replica: backpressure on the request body."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from ray.serve._private.direct_ingress_http_util import ASGIDIReceiveProxy
from ray.serve.config import HTTPOptions

from runtime.patches.ray_serve import MAX_QUEUED_MESSAGES, bounded_receive, shared_start


async def test_serve_replica_applies_backpressure_to_request_body() -> None:
    messages_read = 0

    async def receive() -> dict[str, object]:
        nonlocal messages_read
        messages_read += 1
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    loop = asyncio.get_running_loop()
    proxy = bounded_receive(ASGIDIReceiveProxy)({"type": "http"}, receive, loop)
    reading = proxy.fetch_until_disconnect_task()
    await asyncio.sleep(0.1)
    assert messages_read == MAX_QUEUED_MESSAGES + 1  # one more is blocked in put()
    for _ in range(10):
        assert (await proxy())["type"] == "http.request"
    await asyncio.sleep(0.1)
    assert messages_read == MAX_QUEUED_MESSAGES + 11
    reading.cancel()


@pytest.mark.parametrize(("shared", "bound"), [(8000, 8000), (None, 8001)])
async def test_serve_replica_listens_on_shared_port(shared: int | None, bound: int) -> None:
    calls = list[tuple[int, bool]]()
    server = SimpleNamespace(config=SimpleNamespace(http=None))

    async def start(app: object, options: HTTPOptions, *, enable_so_reuseport: bool) -> object:
        calls.append((options.port, enable_so_reuseport))
        return None, server

    options = HTTPOptions(host="127.0.0.1", port=8001)
    await shared_start(start, int, shared)(None, options, enable_so_reuseport=False)
    assert calls == [(bound, True)]
    assert server.config.http is int
