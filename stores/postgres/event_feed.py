"""The events of all jobs of a collection, in an order in which a reader misses none.

Events are ordered by the transaction that wrote them. A transaction with a low id may commit after
one with a high id, so only events of transactions below the oldest open one are returned
(pg_snapshot_xmin; PostgreSQL manual, "System Information Functions"). They appear once all older
transactions have ended, usually within milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from domain.events import FeedEvent, FeedPosition
from runtime.single_flight import SingleFlight
from stores.postgres.database import Database

OLDEST_OPEN = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
EVENTS_AFTER = f"""
    SELECT
        job_events.job_id, number, at, task_id, before, after, step, attempt, searchable,
        error, transaction_id
    FROM job_events JOIN jobs USING (job_id)
    WHERE jobs.collection = $1
        AND (transaction_id, job_events.job_id, number) > ($2::bigint, $3::text, $4::int)
        AND transaction_id < {OLDEST_OPEN}
    ORDER BY transaction_id, job_events.job_id, number
    LIMIT $5
"""


class EventFeed:
    """Reads the events of collections. Safe for concurrent use by several processes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._queries = SingleFlight[Sequence[FeedEvent]]()

    async def now(self) -> FeedPosition:
        """Returns the position before the first event that was not readable yet."""
        async with self.database.driver() as connection:
            oldest = await connection.fetchval(f"SELECT {OLDEST_OPEN}")
        return FeedPosition(int(oldest or 0), "", 0)

    async def after(
        self, collection: str, position: FeedPosition, limit: int = 500
    ) -> Sequence[FeedEvent]:
        """Returns events of the collection behind the position, in order.

        Readers at the same position share one query.
        """
        query = partial(self._fetch, collection, position, limit)
        return await self._queries.run((collection, position, limit), query)

    async def _fetch(
        self, collection: str, position: FeedPosition, limit: int
    ) -> Sequence[FeedEvent]:
        where = (position.transaction_id, position.job_id, position.number)
        async with self.database.driver() as connection:
            rows = await connection.fetch(EVENTS_AFTER, collection, *where, limit)
        return [FeedEvent.model_validate(dict(row)) for row in rows]
