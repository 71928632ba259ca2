"""Builds the HTTP API as one FastAPI app over the given services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from operator import attrgetter

from fastapi import FastAPI

from serve_app.access.middleware import AccessControl
from serve_app.access.name_cache import NameCache
from serve_app.api import (
    acknowledgements,
    bibliography,
    collections,
    consistency,
    contents,
    documents,
    folder_jobs,
    health,
    images,
    jobs,
    keys,
    search,
    similar,
    uploads,
    webhooks,
)
from serve_app.api.metrics import Metrics
from serve_app.api.problems import add_problem_handlers
from serve_app.api.reference import add_docs
from serve_app.api.request_times import RequestTimes
from serve_app.api.services import Services
from serve_app.http.admission import AdmissionControl
from serve_app.http.body_guard import BodyGuard
from serve_app.http.origin_check import OriginCheck
from serve_app.http.request_context import RequestContext
from serve_app.pages.site import add_pages

RESOURCES = (
    uploads,
    jobs,
    folder_jobs,
    acknowledgements,
    documents,
    contents,
    similar,
    images,
    search,
)
RESOURCES += (bibliography, collections, keys, webhooks, consistency, health)


def create_api(
    services: Services, *, metrics: Metrics | None = None, request_id_header: bool = True
) -> FastAPI:
    """Returns the app: /api/v1, /livez, /readyz, /metrics, /docs, /openapi.json, and the web pages.

    Every error response is problem JSON. Pass `request_id_header=False` behind Ray Serve, which
    adds its own X-Request-ID header.
    """
    app = FastAPI(
        title="Paperworks",
        version="0.1.0",
        description="Upload papers and search them; every hit has its page and bounding boxes. "
        "In addition to the listed responses, any request can be rejected before it reaches its "
        "route: 400, 403, 408, 413, 421 or 431 if the request is not acceptable, 401 without a key "
        "if the service requires one, 429 above the rate limit, 503 while the service is "
        "overloaded.",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=attrgetter("name"),
        lifespan=partial(_lifespan, services),
    )
    app.state.services, app.state.metrics = services, metrics or Metrics()
    for resource in RESOURCES:
        app.include_router(resource.router)
    add_docs(app)
    add_problem_handlers(app)
    add_pages(app)
    # From the inside out: the middleware that is added last handles a request first.
    limits, metrics = services.http, app.state.metrics
    app.add_middleware(BodyGuard, limits=limits, check_disk_space=services.check_disk_space)
    names = NameCache(services.collections.names)
    app.add_middleware(AccessControl, gate=services.gate, names=names)
    app.add_middleware(AdmissionControl, limits=limits, metrics=metrics)
    app.add_middleware(OriginCheck, limits=limits)
    app.add_middleware(RequestContext, metrics=metrics, request_id_header=request_id_header)
    return app


@asynccontextmanager
async def _lifespan(services: Services, app: FastAPI) -> AsyncIterator[None]:
    times: RequestTimes = app.state.metrics.times
    flushing = asyncio.create_task(times.keep_flushing(services.system.activity))
    try:
        yield
    finally:
        flushing.cancel()
        await services.notifications.close()
