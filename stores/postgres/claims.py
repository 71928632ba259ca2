"""Claims of the task queue: which tasks a micro-batch consists of, and their leases."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import DatabaseBusy
from domain.fair_share import Flow, ShareWeights
from domain.flow_window import FlowWindow
from domain.jobs import Lane, Task
from domain.lane_schedule import LaneSchedule
from stores.postgres.claim_statements import (
    CANDIDATES,
    CANDIDATES_OF_FREE_JOBS,
    COMPLETE_DUPLICATES,
    FLOWS,
    LEASE,
    START_JOBS,
)
from stores.postgres.database import Database
from stores.postgres.job_status import close_if_done

CLAIM_ATTEMPTS = 3
AVOID_LOCKED_SECONDS = 30.0
"""How long claims skip jobs that another session has locked, after a lock timeout. Equal to the
idle-in-transaction timeout (SessionLimits), after which PostgreSQL releases such locks."""


@dataclass(slots=True)
class _LaneState:
    """The shares of a lane; the lock lets one claim of the process at a time use them."""

    schedule: LaneSchedule
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Claims:
    """Claims micro-batches by fair shares. Several processes may claim at the same time.

    `monotonic`: a clock in seconds.
    """

    def __init__(
        self, database: Database, weights: ShareWeights, monotonic: Callable[[], float]
    ) -> None:
        self.database = database
        self.avoid_locked_until = 0.0
        self._monotonic = monotonic
        self._lanes = defaultdict[Lane, _LaneState](lambda: _LaneState(LaneSchedule(weights)))

    async def claim(self, lane: Lane, limit: int, worker: str, lease_seconds: float) -> list[Task]:
        """Like `TaskQueue.claim`."""
        attempts_left, state = CLAIM_ATTEMPTS, self._lanes[lane]
        while attempts_left:
            try:
                async with state.lock:
                    claim = _Claim(state.schedule, lane, limit, worker, lease_seconds)
                    claimed = await self._try(claim)
                if claimed is not None:
                    return claimed
            except IntegrityError:  # race: another claim leased a task of the same document
                attempts_left -= 1
            except DatabaseBusy:
                attempts_left -= 1
                self.avoid_locked_until = self._monotonic() + AVOID_LOCKED_SECONDS
            except (_Overtaken, _NothingDue):
                attempts_left -= 1
        return []

    async def _try(self, claim: _Claim) -> list[Task] | None:
        """Returns the claimed tasks; None if it completed duplicates and must be called again."""
        async with self.database.begin() as connection:
            flows = await claim.read_flows(connection)
            avoid_locked = self._monotonic() < self.avoid_locked_until
            candidates = await claim.read_candidates(connection, flows, avoid_locked)
            if duplicates := [row.task_id for row in candidates if row.is_indexed]:
                job_ids = await connection.execute(COMPLETE_DUPLICATES, {"ids": duplicates})
                await close_if_done(connection, job_ids.scalars())
                return None
            claimed = await claim.lease(connection, candidates)
        claim.schedule.charge(flows, claimed, claim.limit)
        if not claimed and FlowWindow.is_full(flows, claim.limit):
            raise _NothingDue
        return claimed


class _Overtaken(Exception):
    """All selected tasks were claimed or locked by other sessions."""


class _NothingDue(Exception):
    """No considered flow has a task that is due; other flows may have one."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """The statements of one claim."""

    schedule: LaneSchedule
    lane: Lane
    limit: int
    worker: str
    lease_seconds: float

    async def read_flows(self, connection: AsyncConnection) -> list[Flow]:
        """Returns the flows with queued tasks that the claim considers."""
        window = self.schedule.window
        position = {"after": window.collection, "size": FlowWindow.size(self.limit)}
        positions = {"names": list(window.flows), "flows": list(window.flows.values())}
        rows = await connection.execute(FLOWS, {"of_lane": self.lane, **position, **positions})
        return [(row.collection, row.flow) for row in rows]

    async def read_candidates(
        self, connection: AsyncConnection, flows: Sequence[Flow], avoid_locked: bool
    ) -> Sequence[Row[Any]]:
        """Returns the first claimable tasks of the flows."""
        wanted = self.schedule.wanted(flows, self.limit)
        if not wanted:
            return []
        parameters = {
            "of_lane": self.lane,
            "of_collection": [collection for collection, _ in wanted],
            "of_flow": [flow for _, flow in wanted],
            "most": list(wanted.values()),
        }
        statement = CANDIDATES_OF_FREE_JOBS if avoid_locked else CANDIDATES
        return (await connection.execute(statement, parameters)).all()

    async def lease(self, connection: AsyncConnection, candidates: Sequence[Any]) -> list[Task]:
        """Leases a micro-batch of the candidates. Raises _Overtaken."""
        ids: list[uuid.UUID] = [
            row.task_id for row in self.schedule.select_batch(candidates, self.limit)
        ]
        if not ids:
            return []
        lease = {"ids": ids, "owner": self.worker, "lease": self.lease_seconds}
        rows = await connection.execute(LEASE, lease)
        tasks = {row.task_id: Task.model_validate(row) for row in rows}
        if not tasks:
            raise _Overtaken
        job_ids = list({task.job_id for task in tasks.values()})
        await connection.execute(START_JOBS, {"ids": job_ids})
        return [tasks[task_id] for task_id in ids if task_id in tasks]
