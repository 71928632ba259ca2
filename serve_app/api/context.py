"""What every route gets: the services and the metrics of its app."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from serve_app.api.metrics import Metrics
from serve_app.api.services import Services

PREFIX = "/api/v1"
DOCUMENT = f"{PREFIX}/documents/{{document_id}}"


# Coroutines, because FastAPI sends plain functions through its thread pool: 0.1 ms a request.
async def _services(request: Request) -> Services:
    return request.app.state.services


async def _metrics(request: Request) -> Metrics:
    return request.app.state.metrics


ServicesHere = Annotated[Services, Depends(_services)]
MetricsHere = Annotated[Metrics, Depends(_metrics)]
