"""A job's state follows from its tasks; here it is written down when the last task ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    and_,
    case,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.jobs import (
    FIRST_STEP,
    LATER_STEPS,
    READING_WEIGHT,
    STEPS,
    Counts,
    TaskStatus,
    job_status,
    weight_before,
)
from stores.postgres.database import NOW
from stores.postgres.schema import JOBS, TASKS


def fixed(value: str) -> BindParameter[str]:
    """A value that stands in the statement itself: a partial index never matches a parameter."""
    return literal(str(value), literal_execute=True)


IS_QUEUED = TASKS.c.status == fixed(TaskStatus.QUEUED)
IS_RUNNING = TASKS.c.status == fixed(TaskStatus.RUNNING)
IS_OPEN = TASKS.c.status.in_([fixed(TaskStatus.QUEUED), fixed(TaskStatus.RUNNING)])


# What a task's row gets when somebody cancels it, or deletes its document.
CANCELLED_NOW: dict[str, Any] = {
    "status": TaskStatus.CANCELLED,
    "lease_expires_at": None,
    "finished_at": NOW,
}


def count_columns() -> list[ColumnElement[Any]]:
    """One column for each task status: how many tasks are in it."""
    return [
        func.count().filter(TASKS.c.status == status).label(str(status)) for status in TaskStatus
    ]


def share_column() -> ColumnElement[float]:
    """`domain.jobs.share_done` of a task, in SQL."""
    pages = _ratio(TASKS.c.pages_done, TASKS.c.pages_total)
    chunks = _ratio(TASKS.c.chunks_done, TASKS.c.chunks_total)
    first = READING_WEIGHT * pages + (1 - READING_WEIGHT) * chunks
    steps = [
        (TASKS.c.step == step, weight_before(step) + STEPS[step].weight * pages)
        for step in LATER_STEPS
    ]
    return case((~IS_OPEN, 1.0), *steps, else_=STEPS[FIRST_STEP].weight * first)


def _ratio(done: ColumnElement[Any], total: ColumnElement[Any]) -> ColumnElement[float]:
    return func.least(1.0, func.coalesce(done * 1.0 / func.nullif(total, 0), 0.0))


ADDED_UP = select(*count_columns()).where(TASKS.c.job_id == JOBS.c.job_id).lateral()
# Somebody said that more uploads come, and may still be alive.
ADMITTING = and_(JOBS.c.admitting_until.is_not(None), JOBS.c.admitting_until > NOW)
STILL_OPEN = exists().where(TASKS.c.job_id == JOBS.c.job_id, IS_OPEN)
NOT_CLOSED = (
    select(JOBS.c.job_id, ADDED_UP)
    .join(ADDED_UP, onclause=JOBS.c.job_id.is_not(None))
    .where(JOBS.c.finished_at.is_(None), ~ADMITTING, ~STILL_OPEN)
)


async def close_if_done(connection: AsyncConnection, job_ids: Iterable[str]) -> int:
    """Number of jobs that end here: those that have no open task and wait for no more of them.

    The job row is locked first, by a statement of its own: of two transactions that end the last
    two tasks, the second one then sees both.
    """
    ids = sorted(set(job_ids))
    await lock_jobs(connection, ids)
    done = NOT_CLOSED.where(JOBS.c.job_id.in_(ids))
    rows = (await connection.execute(done)).all()
    for row in rows:
        await connection.execute(
            update(JOBS)
            .where(JOBS.c.job_id == row.job_id)
            .values(status=job_status(Counts.model_validate(row)), finished_at=NOW)
        )
    return len(rows)


async def lock_jobs(connection: AsyncConnection, ids: Iterable[str]) -> list[Any]:
    """The rows of the jobs that exist, locked in order of id until the transaction ends.

    Everybody locks documents before tasks before jobs, so that nobody waits in a circle.
    """
    locked = select(JOBS).where(JOBS.c.job_id.in_(ids)).order_by(JOBS.c.job_id)
    return list((await connection.execute(locked.with_for_update(key_share=True))).all())
