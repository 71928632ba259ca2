"""Is it alive, is it ready, what has it counted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from domain.errors import PaperworksError, ServiceNotReady, Unavailable
from serve_app.api.context import MetricsHere, ServicesHere
from serve_app.metrics import CONTENT_TYPE
from serve_app.problems import documented, problem
from serve_app.schemas import FINE, Alive, Ready

router = APIRouter(tags=["health"])

CHECK_SECONDS = 2.0


@router.get("/livez")
async def livez() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses=documented())
async def readyz(request: Request, services: ServicesHere) -> Ready | Response:
    """Ready when everything that the service depends on works, else a problem naming the rest."""
    states = await asyncio.gather(*map(_state, services.checks.values()))
    checks = dict(zip(services.checks, states, strict=True))
    waiting = [name for name, state in checks.items() if state != FINE]
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
async def metrics(services: ServicesHere, counted: MetricsHere) -> Response:
    """What was counted, for Prometheus; open tasks are missing while the database is away."""
    counted.depths({})
    with contextlib.suppress(Unavailable, TimeoutError):
        counted.depths(await asyncio.wait_for(services.queue.depths(), CHECK_SECONDS))
    return Response(counted.render(), headers={"Content-Type": CONTENT_TYPE})


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
