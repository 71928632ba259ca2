"""The API keys: create, list and revoke them. The browser sends the changes to /api/v1/keys."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Request, Response

from domain.access import Scope
from serve_app.access.requirements import ADMINISTERS, AccessDep
from serve_app.api.services import ServicesDep
from serve_app.pages.page_route import page_router
from serve_app.pages.rendering import render, wants_fragment

router = page_router(ADMINISTERS)
SCOPES = {
    Scope.SEARCH: "search, and read papers and jobs",
    Scope.INGEST: "upload, correct and delete papers, control jobs",
    Scope.ADMIN: "everything, also keys, webhooks and whole collections",
}


@router.get("/system/keys")
async def keys_page(request: Request, services: ServicesDep, access: AccessDep) -> Response:
    """Returns the page, or for htmx the list of keys alone; no page contains a token."""
    keys, now = await services.keys.list(), datetime.now(UTC)
    return render(
        request,
        "key_list.html" if wants_fragment(request) else "keys.html",
        valid=[key for key in keys if key.is_valid(now)],
        ended=[key for key in keys if not key.is_valid(now)],
        actor=access.actor,
        scopes=[(scope, f"{scope}: {words}") for scope, words in SCOPES.items()],
        is_closed=services.gate.is_closed,
    )
