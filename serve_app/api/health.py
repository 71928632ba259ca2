"""Is it alive, is it ready, what has it counted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.datastructures import State

from domain.errors import PaperworksError, ServiceNotReady, Unavailable
from serve_app.api.context import MetricsHere, ServicesHere
from serve_app.api.metrics import CONTENT_TYPE
from serve_app.api.problems import documented, problem
from serve_app.library.library_identity import require_matching_stores
from serve_app.schemas.core import FINE, Alive, Ready
from stores.protocols import TaskQueue

T = TypeVar("T")
router = APIRouter(tags=["health"])

CHECK_SECONDS = 2.0


@router.get("/livez")
async def livez() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses=documented())
async def readyz(request: Request, services: ServicesHere) -> Ready | Response:
    """Ready when everything that the service depends on works, else a problem naming the rest.

    `store_identity` names stores that do not belong together: then searches work, uploads do not.
    """
    checks = await _shared(request.app.state, "readiness", partial(_check_all, services.checks))
    identity = partial(require_matching_stores, services)
    waiting = [name for name, state in checks.items() if state != FINE]
    checks = {**checks, "store_identity": await _state(identity)}
    if not waiting:
        return Ready(checks=checks)
    detail = (
        f"Not ready: {', '.join(waiting)}. What was accepted is kept; try again in a few seconds."
    )
    return problem(
        request,
        503,
        ServiceNotReady.code,
        detail,
        retry_after_seconds=ServiceNotReady.retry_after_seconds,
        checks=checks,
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}},
)
async def metrics(request: Request, services: ServicesHere, counted: MetricsHere) -> Response:
    """What was counted, for Prometheus; open tasks are missing while the database is away."""
    depths = partial(_depths, services.queue)
    counted.depths(await _shared(request.app.state, "depths", depths))
    return Response(counted.render(), headers={"Content-Type": CONTENT_TYPE})


async def _shared(state: State, name: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What `ask` finds; requests that come while it looks get the same answer.

    These routes are always admitted, so whoever calls them often must not multiply their work.
    """
    running: asyncio.Task[T] | None = getattr(state, name, None)
    if running is None or running.done():
        running = asyncio.create_task(ask())
        setattr(state, name, running)
    return await asyncio.shield(running)


async def _check_all(checks: Mapping[str, Callable[[], Awaitable[None]]]) -> dict[str, str]:
    states = await asyncio.gather(*map(_state, checks.values()))
    return dict(zip(checks, states, strict=True))


async def _depths(queue: TaskQueue) -> Mapping[tuple[str, str], int]:
    with contextlib.suppress(Unavailable, TimeoutError):
        return await asyncio.wait_for(queue.depths(), CHECK_SECONDS)
    return {}


async def _state(check: Callable[[], Awaitable[None]]) -> str:
    """`ok`, or what is wrong in words that are safe to show."""
    try:
        await asyncio.wait_for(check(), CHECK_SECONDS)
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except PaperworksError as error:
        return error.message
    except Exception as error:
        return f"an unexpected {type(error).__name__}"
    return FINE
