"""Handles of the actors in an API process: queries, hints to the JobManager, checks."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

import numpy as np

from actors.query_encoder import QueryEncoders
from actors.registry import embedders, get_actor
from domain.errors import ServiceNotReady
from domain.jobs import Lane
from domain.names import JOB_MANAGER
from runtime.single_flight import SingleFlight
from serve_app.api.search_check import PROBE

LOOKUP_TTL_SECONDS = 5.0
WAKE_DELAY_SECONDS = 0.001
WAKE_INTERVAL_SECONDS = 0.02


class ActorHandles:
    """Handles of the actors in a replica. A handle stays valid when its actor restarts."""

    def __init__(self, actors: int) -> None:
        self.encoders = QueryEncoders(embedders(actors))
        self.manager: Any = None
        self.manager_cached_until = 0.0
        self.lanes_to_wake: set[Lane] = set()
        self.woken_at = 0.0
        self.probes = SingleFlight[np.ndarray](joins_running=True)

    def job_manager(self) -> Any:
        """Returns the handle of the JobManager, None if it does not run. Cached for 5 seconds.

        The lookup calls Ray's GCS (global control service), which must not slow down uploads.
        """
        if self.manager is None or time.monotonic() > self.manager_cached_until:
            self.manager = get_actor(JOB_MANAGER)
            self.manager_cached_until = time.monotonic() + LOOKUP_TTL_SECONDS
        return self.manager

    def wake(self, lane: Lane) -> None:
        """Hints the JobManager that a lane has work; without it, the next poll finds the work.

        Is sent 1 ms later, when the response is on its way, but at most once per
        WAKE_INTERVAL_SECONDS: a call takes as much CPU time as a tenth of an upload.
        """
        if not self.lanes_to_wake:
            loop = asyncio.get_running_loop()
            due_at = self.woken_at + WAKE_INTERVAL_SECONDS
            loop.call_later(max(WAKE_DELAY_SECONDS, due_at - time.monotonic()), self._wake)
        self.lanes_to_wake.add(lane)

    def _wake(self) -> None:
        lanes, self.lanes_to_wake = sorted(self.lanes_to_wake), set()
        self.woken_at = time.monotonic()
        if (manager := self.job_manager()) is not None:
            manager.wake.remote(lanes)

    def cancelled(self, job_id: str) -> None:
        """Hints the JobManager to stop a job; without it, the work ends with its lease."""
        if (manager := self.job_manager()) is not None:
            manager.cancelled.remote(job_id)

    def deletions_due(self) -> None:
        """Hints the JobManager to erase deleted data; without it, the next poll does."""
        if (manager := self.job_manager()) is not None:
            manager.deletions_due.remote()

    async def check_job_manager(self) -> None:
        """Raises ServiceNotReady with the reason unless the JobManager accepts work."""
        manager = self.job_manager()
        if manager is None or not await manager.ready.remote():
            state = await manager.describe.remote() if manager else {}
            raise ServiceNotReady(state.get("problem") or "The workers are still warming up.")

    async def check_embedder(self) -> None:
        """Raises ServiceNotReady unless the embedder answers a query."""
        await self.probe_vector()

    async def probe_vector(self) -> np.ndarray:
        """Returns the vector of PROBE; concurrent checks share one call. Raises ServiceNotReady."""
        return await self.probes.run(PROBE, partial(self.encoders.encode, PROBE))
