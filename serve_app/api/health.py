"""Liveness, readiness and Prometheus metrics."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.datastructures import State

from domain.errors import PaperworksError, ServiceNotReady, Unavailable
from serve_app.api.context import MetricsDep, ServicesDep
from serve_app.api.metrics import CONTENT_TYPE
from serve_app.api.problems import problem_response, problem_responses
from serve_app.library.library_identity import require_matching_stores
from serve_app.schemas.core import CHECK_OK, Alive, Ready
from stores.protocols import TaskQueue

T = TypeVar("T")
router = APIRouter(tags=["health"])

CHECK_SECONDS = 2.0


@router.get("/livez")
async def livez() -> Alive:
    """Returns 200 while the process is running."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses=problem_responses())
async def readyz(request: Request, services: ServicesDep) -> Ready | Response:
    """Returns 200 if every dependency of the service works, else 503 with the failed checks.

    `store_identity` does not affect readiness. It reports stores that belong to different
    libraries: searches work then, but uploads are rejected.
    """
    checks = await _single_flight(
        request.app.state, "readiness", partial(_check_all, services.checks)
    )
    identity = partial(require_matching_stores, services)
    failed = [name for name, status in checks.items() if status != CHECK_OK]
    checks = {**checks, "store_identity": await _check_status(identity)}
    if not failed:
        return Ready(checks=checks)
    detail = (
        f"Not ready: {', '.join(failed)}. Accepted uploads are kept; try again in a few seconds."
    )
    return problem_response(
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
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text format."}},
)
async def metrics(request: Request, services: ServicesDep, registry: MetricsDep) -> Response:
    """Returns the metrics for Prometheus. Without the database, the open tasks are missing."""
    depths = partial(_depths, services.queue)
    registry.set_queue_depths(await _single_flight(request.app.state, "depths", depths))
    return Response(registry.render(), headers={"Content-Type": CONTENT_TYPE})


async def _single_flight(state: State, name: str, query: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Returns the result of `query`; concurrent requests share one call.

    These routes bypass the admission control, so frequent calls must not multiply their work.
    """
    running: asyncio.Task[T] | None = getattr(state, name, None)
    if running is None or running.done():
        running = asyncio.create_task(query())
        setattr(state, name, running)
    return await asyncio.shield(running)


async def _check_all(checks: Mapping[str, Callable[[], Awaitable[None]]]) -> dict[str, str]:
    statuses = await asyncio.gather(*map(_check_status, checks.values()))
    return dict(zip(checks, statuses, strict=True))


async def _depths(queue: TaskQueue) -> Mapping[tuple[str, str], int]:
    with contextlib.suppress(Unavailable, TimeoutError):
        return await asyncio.wait_for(queue.depths(), CHECK_SECONDS)
    return {}


async def _check_status(check: Callable[[], Awaitable[None]]) -> str:
    """Returns `ok`, or an error message that is safe to show."""
    try:
        await asyncio.wait_for(check(), CHECK_SECONDS)
    except TimeoutError:
        return f"no response within {CHECK_SECONDS:g} s"
    except PaperworksError as error:
        return error.message
    except Exception as error:
        return f"an unexpected {type(error).__name__}"
    return CHECK_OK
