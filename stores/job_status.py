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

    The job row is locked first, by a statement of its own: of two transactions that end the last
    two tasks, the second one then sees both.
    """
    ids = sorted(set(job_ids))
    await lock_jobs(connection, ids)
    added_up = select(*count_columns()).where(TASKS.c.job_id == JOBS.c.job_id).lateral()
    still_open = exists().where(TASKS.c.job_id == JOBS.c.job_id, TASKS.c.status.in_(OPEN))
    done = (
        select(JOBS.c.job_id, added_up)
        .join(added_up, onclause=JOBS.c.job_id.is_not(None))
        .where(JOBS.c.job_id.in_(ids), JOBS.c.finished_at.is_(None), ~still_open)
    )
    for row in (await connection.execute(done)).all():
        await connection.execute(
            update(JOBS)
            .where(JOBS.c.job_id == row.job_id)
            .values(status=job_status(Counts.model_validate(row)), finished_at=NOW)
        )


async def lock_jobs(connection: AsyncConnection, ids: Iterable[str]) -> list[Any]:
    """The rows of the jobs that exist, locked in order of id until the transaction ends.

    Everybody locks documents before tasks before jobs, so that nobody waits in a circle.
    """
    locked = select(JOBS).where(JOBS.c.job_id.in_(ids)).order_by(JOBS.c.job_id)
    return list((await connection.execute(locked.with_for_update(key_share=True))).all())
