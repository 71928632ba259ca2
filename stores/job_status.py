"""A job's state follows from its tasks; here it is written down when the last task ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.jobs import Counts, TaskStatus, job_status
from stores.database import NOW
from stores.tables import JOBS, TASKS

OPEN = (TaskStatus.QUEUED, TaskStatus.RUNNING)


def count_columns() -> list[ColumnElement[Any]]:
    """One column for each task status: how many tasks are in it."""
    return [
        func.count().filter(TASKS.c.status == status).label(str(status)) for status in TaskStatus
    ]


async def close_if_done(connection: AsyncConnection, job_ids: Iterable[str]) -> None:
    """Writes the final status of those jobs that have no open task.

    The job row is locked first: of two transactions that end the last two tasks, the second one sees both.
    """
    ids = sorted(set(job_ids))
    locked = select(JOBS.c.job_id).where(JOBS.c.job_id.in_(ids)).order_by(JOBS.c.job_id)
    await connection.execute(locked.with_for_update())
    still_open = exists().where(TASKS.c.job_id == JOBS.c.job_id, TASKS.c.status.in_(OPEN))
    done = select(JOBS.c.job_id).where(JOBS.c.job_id.in_(ids), ~still_open)
    for job_id in (await connection.execute(done)).scalars().all():
        counted = await connection.execute(select(*count_columns()).where(TASKS.c.job_id == job_id))
        await connection.execute(
            update(JOBS)
            .where(JOBS.c.job_id == job_id, JOBS.c.finished_at.is_(None))
            .values(status=job_status(Counts.model_validate(counted.one())), finished_at=NOW)
        )
