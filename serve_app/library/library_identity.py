"""Requests that change the library want stores that belong together."""

from __future__ import annotations

from serve_app.api.services import Services
from stores.consistency.reconcile import stores_do_not_match


async def require_matching_stores(services: Services) -> None:
    """Returns when the stores belong to the same library. Raises StoresDoNotMatch."""
    if problems := await services.guard.problems():
        raise stores_do_not_match(problems)
