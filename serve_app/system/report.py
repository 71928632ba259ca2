"""Collects the state of the service. What does not answer is None: the page still opens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from domain.activity import Minute
from domain.errors import Unavailable
from domain.system import LaneQueue, StoreTotals, Workforce
from runtime.disk_usage import file_systems, folder_bytes, free_bytes
from runtime.recent import Recent
from runtime.service_info import read_service_info
from serve_app.system.facts import SystemFacts
from stores.protocols import ActivityStore, SystemQueries

T = TypeVar("T")
ANSWER_SECONDS = 2.0
# Several browsers may watch the page: these are the intervals at which its values are new.
LANE_SECONDS, HOUR_SECONDS, SIZE_SECONDS = 1.0, 5.0, 60.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of the stores in bytes. `free` by local folder; `vectors` None: not on this
    machine."""

    totals: StoreTotals
    vectors: int | None
    free: Mapping[Path, float]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Ray's dashboard, which asks for the token in this file."""

    url: str
    token_path: str | None = None


@dataclass(frozen=True, slots=True)
class SystemState:
    """The state of the service; None for what is not known at the moment."""

    lanes: Mapping[str, LaneQueue] | None
    hour: Sequence[Minute] | None
    workforce: Workforce | None
    sizes: Sizes | None
    dashboard: Dashboard | None


async def no_workforce() -> Workforce:
    """Returns no process."""
    return Workforce()


class SystemReport:
    """Collects the state of the service for one event loop."""

    def __init__(
        self,
        facts: SystemFacts,
        queries: SystemQueries,
        activity: ActivityStore,
        workforce: Callable[[], Awaitable[Workforce]] = no_workforce,
    ) -> None:
        self.facts = facts
        self.activity = activity
        self._queries = queries
        self._lanes = Recent(queries.lanes, LANE_SECONDS)
        self._hour = Recent(activity.last_hour, HOUR_SECONDS)
        self._workforce = Recent(workforce, LANE_SECONDS)
        self._sizes = Recent(self._measure, SIZE_SECONDS)

    async def state(self) -> SystemState:
        """Returns the state. Sizes are up to a minute old."""
        lanes, hour, workforce, sizes, dashboard = await asyncio.gather(
            _known(self._lanes),
            _known(self._hour),
            _known(self._workforce),
            _known(self._sizes),
            asyncio.to_thread(self._dashboard),
        )
        return SystemState(lanes, hour, workforce, sizes, dashboard)

    async def _measure(self) -> Sizes:
        totals = await self._queries.totals()
        vectors, free = await asyncio.to_thread(self._measure_folders)
        return Sizes(totals, vectors, free)

    def _measure_folders(self) -> tuple[int | None, Mapping[Path, float]]:
        """The blob store is not measured: it may have a hundred thousand files."""
        folder = self.facts.vectors.folder
        vectors = folder_bytes(folder) if folder else None
        return vectors, {path: free_bytes(path) for path in file_systems(self.facts.folders)}

    def _dashboard(self) -> Dashboard | None:
        info: Mapping[str, Any] = read_service_info(self.facts.home)
        url = info.get("dashboard_url")
        return Dashboard(url, info.get("ray_token_path")) if url else None


async def _known(value: Recent[T]) -> T | None:
    try:
        return await asyncio.wait_for(value.get(), ANSWER_SECONDS)
    except (Unavailable, TimeoutError):
        return None
