"""Derives the status of a job from its tasks and stores it when the last task ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Failure
from domain.jobs import Counts, JobStatus, TaskStatus, job_status
from stores.postgres.database import NOW
from stores.postgres.schema import FOLDER_JOBS, JOBS, TASKS


def inline(value: str) -> BindParameter[str]:
    """Returns a literal that is part of the SQL text: a partial index never matches a parameter."""
    return literal(str(value), literal_execute=True)


IS_QUEUED = TASKS.c.status == inline(TaskStatus.QUEUED)
IS_RUNNING = TASKS.c.status == inline(TaskStatus.RUNNING)
IS_OPEN = TASKS.c.status.in_([inline(TaskStatus.QUEUED), inline(TaskStatus.RUNNING)])


def cancelled_now(reason: Failure) -> dict[str, Any]:
    """Returns the column values of a task that is cancelled, or whose document is deleted."""
    return {
        "status": TaskStatus.CANCELLED,
        "lease_expires_at": None,
        "finished_at": NOW,
        "error": asdict(reason),
    }


def count_columns() -> list[ColumnElement[Any]]:
    """Returns a column per task status that counts the tasks in it."""
    return [
        func.count().filter(TASKS.c.status == status).label(str(status)) for status in TaskStatus
    ]


TASK_COUNTS = select(*count_columns()).where(TASKS.c.job_id == JOBS.c.job_id).lateral()
ITS_FOLDER = exists().where(FOLDER_JOBS.c.job_id == JOBS.c.job_id)
# More uploads were announced, and the client has not timed out; or a folder is being registered.
ADMITTING = or_(
    and_(JOBS.c.admitting_until.is_not(None), JOBS.c.admitting_until > NOW),
    ITS_FOLDER.where(FOLDER_JOBS.c.finished_at.is_(None)),
)
CUT_SHORT = case(
    (~ITS_FOLDER.where(FOLDER_JOBS.c.error.is_not(None)), None),
    (JOBS.c.cancel_requested, inline(JobStatus.CANCELLED)),
    else_=inline(JobStatus.FAILED),
).label("cut_short")
HAS_OPEN_TASKS = exists().where(TASKS.c.job_id == JOBS.c.job_id, IS_OPEN)
CLOSABLE_JOBS = (
    select(JOBS.c.job_id, CUT_SHORT, TASK_COUNTS)
    .join(TASK_COUNTS, onclause=JOBS.c.job_id.is_not(None))
    .where(JOBS.c.finished_at.is_(None), ~ADMITTING, ~HAS_OPEN_TASKS)
)


async def close_if_done(connection: AsyncConnection, job_ids: Iterable[str]) -> int:
    """Closes those of the jobs that have no open task and expect no more uploads.

    Returns their number. Locks the job rows first, in a separate statement: if two transactions end
    the last two tasks concurrently, the second one then sees both.
    """
    ids = sorted(set(job_ids))
    await lock_jobs(connection, ids)
    closable = CLOSABLE_JOBS.where(JOBS.c.job_id.in_(ids))
    rows = (await connection.execute(closable)).all()
    for row in rows:
        cut_short = JobStatus(row.cut_short) if row.cut_short else None
        status = job_status(Counts.model_validate(row), cut_short)
        ended = update(JOBS).where(JOBS.c.job_id == row.job_id)
        await connection.execute(ended.values(status=status, finished_at=NOW))
    return len(rows)


async def lock_jobs(connection: AsyncConnection, ids: Iterable[str]) -> list[Any]:
    """Returns the rows of existing jobs, locked in order of id until the transaction ends.

    Lock order in all transactions: documents, tasks, jobs. This prevents deadlocks.
    """
    locked = select(JOBS).where(JOBS.c.job_id.in_(ids)).order_by(JOBS.c.job_id)
    return list((await connection.execute(locked.with_for_update(key_share=True))).all())
