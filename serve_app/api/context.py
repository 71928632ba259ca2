"""FastAPI dependencies of the routes: the services and the metrics of the app."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from serve_app.api.metrics import Metrics
from serve_app.api.services import Services

PREFIX = "/api/v1"
DOCUMENT = f"{PREFIX}/documents/{{document_id}}"


# Coroutines, because FastAPI runs plain functions in its thread pool, which costs 0.1 ms per call.
async def _services(request: Request) -> Services:
    return request.app.state.services


async def _metrics(request: Request) -> Metrics:
    return request.app.state.metrics


ServicesDep = Annotated[Services, Depends(_services)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]
