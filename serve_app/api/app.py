"""The HTTP API as one FastAPI app, over whatever stores it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.routing import APIRoute

from serve_app.api import (
    citations,
    collections,
    consistency,
    contents,
    documents,
    events,
    exports,
    figures,
    health,
    job_control,
    jobs,
    page_images,
    search,
    similar,
    tables,
    uploads,
)
from serve_app.api.metrics import Metrics
from serve_app.api.problems import handle_problems
from serve_app.api.reference import add_reference
from serve_app.api.services import Services
from serve_app.http.admission import AdmissionControl
from serve_app.http.body_guard import BodyGuard
from serve_app.http.limits import HttpLimits
from serve_app.http.origin_check import OriginCheck
from serve_app.http.request_context import RequestContext

DEFAULT_LIMITS = HttpLimits()
RESOURCES = (
    uploads,
    jobs,
    job_control,
    events,
    documents,
    contents,
    tables,
    figures,
    citations,
    page_images,
    similar,
    exports,
    search,
    collections,
    consistency,
    health,
)


def create_api(
    services: Services,
    version: str = "0.1.0",
    *,
    limits: HttpLimits = DEFAULT_LIMITS,
    request_id_header: bool = True,
) -> FastAPI:
    """The app: /api/v1, /livez, /readyz, /metrics, /docs, /openapi.json; every error a problem.

    `request_id_header` is False behind Ray Serve, which answers with an X-Request-ID of its own.
    """
    app = FastAPI(
        title="Paperworks",
        version=version,
        description="Upload papers, search them; every hit names the page and the rectangle. "
        "Beside what is listed, any request may be refused before its route sees it: 400, 403, "
        "408, 413, 421 and 431 for what it is, 503 while the service has enough to do.",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        lifespan=partial(_lifespan, services),
    )
    app.state.services, app.state.metrics = services, Metrics()
    for resource in RESOURCES:
        app.include_router(resource.router)
    add_reference(app)
    handle_problems(app)
    _add_middleware(app, services, limits, request_id_header)
    return app


def _add_middleware(
    app: FastAPI, services: Services, limits: HttpLimits, request_id_header: bool
) -> None:
    """From the inside out: the last one that is added sees a request first."""
    metrics = app.state.metrics
    app.add_middleware(
        BodyGuard,
        limits=limits,
        upload_bytes=services.limits.upload_bytes,
        check_room=services.check_room,
    )
    app.add_middleware(AdmissionControl, limits=limits, metrics=metrics)
    app.add_middleware(OriginCheck, limits=limits)
    app.add_middleware(RequestContext, metrics=metrics, request_id_header=request_id_header)


@asynccontextmanager
async def _lifespan(services: Services, _app: FastAPI) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await services.notifications.close()


def _operation_id(route: APIRoute) -> str:
    return route.name
