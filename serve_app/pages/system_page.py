"""The state of the service: readiness, queues and collections."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

from fastapi import Request, Response

from serve_app.api.health import check_all, open_tasks
from serve_app.api.services import ServicesDep
from serve_app.pages.page_route import page_router
from serve_app.pages.rendering import render, wants_fragment

router = page_router()


@router.get("/system")
async def system_page(request: Request, services: ServicesDep) -> Response:
    """Returns the page, or for htmx the state alone."""
    checks = await services.shared.run("checks", partial(check_all, services.checks))
    delays = await services.shared.run("delays", services.delays)
    depths = await services.shared.run("depths", partial(open_tasks, services.queue))
    template = "system_state.html" if wants_fragment(request) else "system.html"
    return render(
        request,
        template,
        checks={**checks, **delays},
        depths=sorted(depths.items()),
        version=version("paperworks"),
        limits=services.http,
    )
