"""The check `search` of /readyz: this process answers a search, and is warm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np

from domain.library_search import LibrarySearch
from domain.search import SearchQuery
from runtime.garbage import keep_loaded
from serve_app.api.services import Services
from serve_app.library.search_hits import find_hits

PROBE = "ready?"  # the query of the checks of /readyz


class SearchCheck:
    """Searches for PROBE, which `probe_vector` embeds. `open_connections`: of the database."""

    def __init__(
        self,
        services: Services,
        probe_vector: Callable[[], Awaitable[np.ndarray]],
        open_connections: Callable[[], Awaitable[None]],
    ) -> None:
        self._services = services
        self._probe_vector = probe_vector
        self._open_connections = open_connections
        self._is_warm = False

    async def check(self) -> None:
        """Raises Unavailable unless this process answers a search by embedding and by words, and
        has opened its connections once."""
        probe = LibrarySearch(SearchQuery(PROBE, limit=1))
        await find_hits(probe, await self._probe_vector(), self._services)
        if not self._is_warm:
            await self._open_connections()
            keep_loaded()  # Ray Serve exempts only what was loaded before the first search
            self._is_warm = True
