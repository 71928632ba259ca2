"""Requests counted by client and minute, shared by all processes of the API."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stores.postgres.database import Database

WINDOW_SECONDS = 60
# One row per client: a new window overwrites the previous one. The table is not logged, so counting
# waits for no disk, and a crash of the server starts all windows again.
COUNT = """
    INSERT INTO request_counts AS counted (client, window_start, used)
    VALUES ($1, date_trunc('minute', statement_timestamp()), 1)
    ON CONFLICT (client) DO UPDATE SET
        used = CASE WHEN counted.window_start = EXCLUDED.window_start
               THEN counted.used + 1 ELSE 1 END,
        window_start = EXCLUDED.window_start
    RETURNING used, 60 - extract(second FROM statement_timestamp())::float8 AS seconds_left
"""
FORGET = "DELETE FROM request_counts WHERE window_start < statement_timestamp() - interval '1 day'"


@dataclass(frozen=True, slots=True)
class Usage:
    """The requests of a client in the current window, this one included."""

    used: int
    seconds_left: int


class RequestCounts:
    """Counts requests. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def count(self, client: str) -> Usage:
        """Counts a request of the client; exact for concurrent requests to several processes."""
        async with self.database.driver() as connection:
            row = await connection.fetchrow(COUNT, client)
        assert row is not None  # the statement returns one row
        return Usage(row["used"], max(1, math.ceil(row["seconds_left"])))

    async def forget(self) -> None:
        """Deletes the counts of clients that have sent nothing for a day."""
        async with self.database.driver() as connection:
            await connection.execute(FORGET)
