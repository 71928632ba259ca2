"""Patched Serve replica: backpressure on the request body."""

from __future__ import annotations

import asyncio

from ray.serve._private.direct_ingress_http_util import ASGIDIReceiveProxy

from runtime.patches.ray_serve import MAX_QUEUED_MESSAGES, bounded_receive


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
