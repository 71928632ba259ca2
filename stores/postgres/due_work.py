"""What is due in PostgreSQL, as one query: an idle JobManager asks this instead of each queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.jobs import Lane
from stores.postgres.database import Database

# The conditions of the claims (claim_statements.py, folder_jobs.py, delivery_queue.py,
# deletion_queue.py), without those that say that another one has to end before.
DUE = """
    SELECT
        ARRAY(
            SELECT lane FROM unnest($1::text[]) AS lanes (lane)
            WHERE EXISTS (
                SELECT FROM tasks WHERE tasks.lane = lanes.lane AND status = 'queued'
                    AND next_attempt_at <= statement_timestamp()
            )
        ) AS lanes,
        EXISTS (
            SELECT FROM folder_jobs WHERE finished_at IS NULL
                AND (leased_until IS NULL OR leased_until < statement_timestamp())
        ) AS folders,
        EXISTS (
            SELECT FROM webhook_deliveries WHERE delivered_at IS NULL AND abandoned_at IS NULL
                AND next_attempt_at <= statement_timestamp()
        ) AS deliveries,
        EXISTS (
            SELECT FROM store_deletions WHERE due_at <= statement_timestamp()
        ) AS deletions
"""


@dataclass(frozen=True, slots=True)
class Due:
    """The lanes with tasks that are due, and whether the other queues have something."""

    lanes: Sequence[Lane]
    folders: bool
    deliveries: bool
    deletions: bool


class DueWork:
    """Finds what is due. A claim decides whether it can be claimed."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def find(self) -> Due:
        """Returns what is due now. Raises DatabaseUnavailable."""
        async with self.database.driver() as connection:
            row = await connection.fetchrow(DUE, [str(lane) for lane in Lane])
        assert row is not None  # one row for any contents
        lanes = [Lane(name) for name in row["lanes"]]
        return Due(lanes, row["folders"], row["deliveries"], row["deletions"])
