"""Reads the event log of a job. Database triggers write it; see migration 0004."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Select, select

from domain.events import Event
from runtime.single_flight import SingleFlight
from stores.postgres.database import Database
from stores.postgres.schema import EVENTS


class EventLog:
    """Reads the events of jobs. Safe for concurrent use by several processes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._queries = SingleFlight[Sequence[Event]]()

    async def after(self, job_id: str, number: int = 0, limit: int = 500) -> Sequence[Event]:
        """Returns the events of the job with numbers above `number`, in order.

        Returns none for an unknown job. Numbers are gap-free and become visible in order, because
        they are assigned while the job row is locked.
        """
        statement = select(EVENTS).where(EVENTS.c.job_id == job_id, EVENTS.c.number > number)
        statement = statement.order_by(EVENTS.c.number).limit(limit)
        return await self._queries.run((job_id, number, limit), partial(self._fetch, statement))

    async def newest(
        self, job_id: str, before: int | None = None, limit: int = 500
    ) -> Sequence[Event]:
        """Returns events of the job, newest first; those with numbers below `before`, if given."""
        statement = select(EVENTS).where(EVENTS.c.job_id == job_id)
        if before is not None:
            statement = statement.where(EVENTS.c.number < before)
        return await self._fetch(statement.order_by(EVENTS.c.number.desc()).limit(limit))

    async def _fetch(self, statement: Select[Any]) -> Sequence[Event]:
        async with self.database.single() as connection:
            rows = await connection.execute(statement)
            return [Event.model_validate(row) for row in rows]
