"""The HTTP API as one FastAPI app, over whatever stores it is given."""

from __future__ import annotations

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
    jobs,
    orders,
    page_images,
    search,
    similar,
    tables,
    uploads,
)
from serve_app.api.reference import add_reference
from serve_app.metrics import Metrics
from serve_app.middleware import Surroundings
from serve_app.problems import handle_problems
from serve_app.services import Services

RESOURCES = (
    uploads,
    jobs,
    orders,
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
    services: Services, version: str = "0.1.0", *, request_id_header: bool = True
) -> FastAPI:
    """The app: /api/v1, /livez, /readyz, /metrics, /docs, /openapi.json; every error a problem.

    `request_id_header` is False behind Ray Serve, which answers with an X-Request-ID of its own.
    """
    app = FastAPI(
        title="Paperworks",
        version=version,
        description="Upload papers, search them; every hit names the page and the rectangle.",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.services, app.state.metrics = services, Metrics()
    for resource in RESOURCES:
        app.include_router(resource.router)
    add_reference(app)
    handle_problems(app)
    app.add_middleware(Surroundings, metrics=app.state.metrics, request_id_header=request_id_header)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
