"""The state of the service: readiness, queues and collections."""

from __future__ import annotations

from fastapi import Request, Response

from serve_app.access.requirements import ADMINISTERS
from serve_app.api.health import component_states, open_tasks
from serve_app.api.services import ServicesDep
from serve_app.pages.page_route import page_router
from serve_app.pages.rendering import render, wants_fragment

router = page_router(ADMINISTERS)


@router.get("/system")
async def system_page(request: Request, services: ServicesDep) -> Response:
    """Returns the page, or for htmx the state alone."""
    _, states = await component_states(services)
    depths = await open_tasks(services)
    template = "system_state.html" if wants_fragment(request) else "system.html"
    return render(
        request,
        template,
        checks=states,
        depths=sorted(depths.items()),
        version=request.app.version,
        limits=services.http,
    )
