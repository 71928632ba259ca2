"""Cancels the work of a request when its client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

T = TypeVar("T")


async def cancel_on_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Returns the result of `work`, or re-raises its error.

    Cancels `work` and raises ClientDisconnect if the client disconnects first. Only for requests
    whose body is not read elsewhere, because this function consumes the receive channel.
    """
    running = asyncio.ensure_future(work)
    disconnected = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait((running, disconnected), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise ClientDisconnect
        return await running
    finally:
        for task in (running, disconnected):
            task.cancel()
        with suppress(Exception, asyncio.CancelledError):
            await disconnected


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
