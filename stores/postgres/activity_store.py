"""The activity of the last hour: ends of tasks, and durations of requests of all API processes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from domain.activity import MINUTES, Activity, Durations, Minute, RequestTimes, total
from stores.postgres.database import Database

# A process writes its own counts as they are now, so writing them again changes nothing.
WRITE = text("""
    INSERT INTO request_times (minute, activity, process, counts)
    SELECT minute, activity, :process, counts
    FROM json_to_recordset(CAST(:rows AS json))
        AS new (minute timestamptz, activity text, counts integer[])
    ON CONFLICT (minute, activity, process) DO UPDATE SET counts = EXCLUDED.counts
""")
FORGET = text("DELETE FROM request_times WHERE minute < statement_timestamp() - interval '2 hours'")
NOW_MINUTE = "date_trunc('minute', statement_timestamp())"
SINCE = f"{NOW_MINUTE} - interval '{MINUTES - 1} minutes'"
# The event log keeps the failures of papers that were retried. The index job_events_ends has the
# same condition. Papers that ended without work (duplicates) have not been running.
ENDS = text(f"""
    SELECT date_trunc('minute', ended.at) AS minute,
        count(*) FILTER (WHERE ended.after = 'completed') AS completed,
        count(*) FILTER (WHERE ended.after = 'failed') AS failed,
        coalesce(sum(tasks.pages_total) FILTER (WHERE ended.after = 'completed'), 0) AS pages
    FROM job_events AS ended JOIN tasks ON tasks.task_id = ended.task_id
    WHERE ended.before = 'running' AND ended.after IN ('completed', 'failed')
        AND ended.task_id IS NOT NULL AND ended.at >= {SINCE}
    GROUP BY 1
""")
TIMES = text(f"SELECT minute, activity, counts FROM request_times WHERE minute >= {SINCE}")


class ActivityStore:
    """Writes durations of requests and reads the last hour. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def write(self, process: str, times: Sequence[RequestTimes]) -> None:
        """Replaces the counts of a process; deletes those that are older than two hours."""
        rows = [
            {"minute": one.at.isoformat(), "activity": one.activity, "counts": list(one.counts)}
            for one in times
        ]
        async with self.database.begin() as connection:
            await connection.execute(WRITE, {"process": process, "rows": json.dumps(rows)})
            await connection.execute(FORGET)

    async def last_hour(self) -> list[Minute]:
        """Returns the last MINUTES minutes, the present one last."""
        async with self.database.single() as connection:
            now = (await connection.execute(text(f"SELECT {NOW_MINUTE}"))).scalar_one()
            ends = (await connection.execute(ENDS)).all()
            times = (await connection.execute(TIMES)).all()
        numbers = {row.minute: row for row in ends}
        counts = _by_minute(times)
        starts = [now - timedelta(minutes=ago) for ago in reversed(range(MINUTES))]
        return [_minute(at, numbers.get(at), counts) for at in starts]


def _by_minute(rows: Sequence[Any]) -> dict[tuple[datetime, str], list[Durations]]:
    found = defaultdict[tuple[datetime, str], list[Durations]](list)
    for row in rows:
        found[row.minute, row.activity].append(row.counts)
    return found


def _minute(at: datetime, ends: Any, counts: dict[tuple[datetime, str], list[Durations]]) -> Minute:
    papers = ends and {"completed": ends.completed, "failed": ends.failed, "pages": ends.pages}
    return Minute(
        at,
        searches=total(counts.get((at, Activity.SEARCH), ())),
        uploads=total(counts.get((at, Activity.UPLOAD), ())),
        **(papers or {}),
    )
