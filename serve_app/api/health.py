"""Liveness, readiness and Prometheus metrics."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from domain.errors import PaperworksError, ServiceNotReady, Unavailable
from serve_app.access.requirements import ADMINISTERS
from serve_app.api.problems import error_response, problem_responses
from serve_app.api.services import MetricsDep, Services, ServicesDep
from serve_app.schemas.core import CHECK_OK, Alive, Ready

router = APIRouter(tags=["health"])

CHECK_SECONDS = 2.0


@router.get("/livez")
async def livez() -> Alive:
    """Returns 200 while the process is running. `process`: its process id."""
    return Alive(process=os.getpid())


@router.get("/readyz", response_model=Ready, responses=problem_responses())
async def readyz(request: Request, services: ServicesDep) -> Ready | Response:
    """Returns 200 if this process has just answered a search and every dependency works.

    Otherwise 503 with the failed checks; `checks` states what a component that is starting does.

    `store_identity` does not affect readiness. It reports stores that belong to different
    libraries: searches work then, but uploads are rejected.
    """
    failed, checks = await component_states(services)
    if not failed:
        return Ready(process=os.getpid(), checks=checks)
    detail = (
        f"Not ready: {', '.join(failed)}. Accepted uploads are kept; try again in a few seconds."
    )
    return error_response(request, ServiceNotReady(detail), checks=checks, process=os.getpid())


@router.get(
    "/metrics",
    dependencies=[ADMINISTERS],
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}, "description": "Prometheus text format."},
        **problem_responses(),
    },
)
async def metrics(services: ServicesDep, registry: MetricsDep) -> Response:
    """Returns the metrics for Prometheus. Without the database, the open tasks are missing."""
    registry.set_open_work(*await open_work(services))
    return Response(registry.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def component_states(services: Services) -> tuple[list[str], dict[str, str]]:
    """Returns the components that are not ready, and the state of each: CHECK_OK or a message.

    The messages are safe to show. `store_identity` is a state that does not affect readiness.
    Concurrent calls share the checks.
    """
    states = await services.shared.run("checks", partial(_check_all, services.checks))
    failed = [name for name, state in states.items() if state != CHECK_OK]
    if failed:
        states = {**states, **await services.shared.run("delays", services.delays)}
    identity = await _check_status(services.require_matching_stores)
    return failed, {**states, "store_identity": identity}


async def open_work(services: Services) -> tuple[Mapping[tuple[str, str], int], int | None]:
    """Returns the number of open tasks by (lane, status) and of pending webhook deliveries; nothing
    and None without the database.

    Concurrent calls share the queries.
    """
    return await services.shared.run("open work", partial(_open_work, services))


async def _check_all(checks: Mapping[str, Callable[[], Awaitable[None]]]) -> dict[str, str]:
    statuses = await asyncio.gather(*map(_check_status, checks.values()))
    return dict(zip(checks, statuses, strict=True))


async def _open_work(services: Services) -> tuple[Mapping[tuple[str, str], int], int | None]:
    with contextlib.suppress(Unavailable, TimeoutError):
        async with asyncio.timeout(CHECK_SECONDS):
            return await services.queue.depths(), await services.webhooks.pending()
    return {}, None


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
