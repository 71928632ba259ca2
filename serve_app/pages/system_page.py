"""The state of the service: readiness, queues, the last hour, workers and stores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psutil
from fastapi import Request, Response

from domain.jobs import Lane
from domain.system import LaneQueue, Worker
from serve_app.access.requirements import ADMINISTERS
from serve_app.api.health import component_states
from serve_app.api.services import ServicesDep
from serve_app.pages.charts import charts_of, rows_of
from serve_app.pages.page_route import page_router
from serve_app.pages.rendering import render, wants_fragment
from serve_app.system.facts import SystemFacts
from serve_app.system.report import SystemState

router = page_router(ADMINISTERS)


@router.get("/system")
async def system_page(request: Request, services: ServicesDep) -> Response:
    """Returns the page, or for htmx the state alone."""
    _, checks = await component_states(services)
    facts, state = services.system.facts, await services.system.state()
    template = "system_state.html" if wants_fragment(request) else "system.html"
    return render(
        request,
        template,
        checks=checks,
        facts=facts,
        lanes=_lanes(facts, state),
        workers=_workers(facts, state),
        charts=charts_of(state.hour) if state.hour else None,
        rows=rows_of(state.hour or ()),
        sizes=state.sizes,
        dashboard=state.dashboard,
        version=request.app.version,
        limits=services.http,
        now=datetime.now(UTC),
    )


def _lanes(facts: SystemFacts, state: SystemState) -> list[dict[str, Any]]:
    """Returns a row for each lane; `queue` is None while the database does not answer."""
    claimed = state.workforce.claimed if state.workforce else {}
    return [
        {
            "name": lane,
            "limits": facts.lanes.get(lane),
            "queue": None if state.lanes is None else state.lanes.get(lane, LaneQueue()),
            "claimed": claimed.get(lane, 0),
        }
        for lane in Lane
    ]


def _workers(facts: SystemFacts, state: SystemState) -> Sequence[Worker]:
    """Returns the processes, this one first."""
    own = psutil.Process()
    doing = "sends this page"
    if facts.api_processes > 1:
        doing = f"sends this page; one of {facts.api_processes}"
    this = Worker("API process", os.getpid(), doing, own.memory_info().rss)
    return [this, *(state.workforce.workers if state.workforce else ())]
