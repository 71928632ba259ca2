"""Guards requests that change the library against stores of different libraries."""

from __future__ import annotations

from serve_app.api.services import Services
from stores.consistency.reconcile import stores_do_not_match


async def require_matching_stores(services: Services) -> None:
    """Raises StoresDoNotMatch unless all stores belong to the same library."""
    if problems := await services.guard.problems():
        raise stores_do_not_match(problems)
