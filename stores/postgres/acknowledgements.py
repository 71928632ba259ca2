"""Acknowledged failures of jobs: they are no longer listed as open."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import DocumentStatus
from domain.jobs import JobStatus, TaskStatus
from stores.postgres.audit_log import actor
from stores.postgres.database import NOW
from stores.postgres.job_status import inline
from stores.postgres.schema import DOCUMENTS, JOBS, TASKS

UNACKNOWLEDGED = and_(
    JOBS.c.status.in_([inline(JobStatus.PARTIAL), inline(JobStatus.FAILED)]),
    JOBS.c.acknowledged_at.is_(None),
    JOBS.c.purged_at.is_(None),
    exists().where(TASKS.c.job_id == JOBS.c.job_id, TASKS.c.status == inline(TaskStatus.FAILED)),
)
# The file name of a deleted paper is not kept for a failure (docs/deletion.md).
NAMES_DELETED_PAPER = exists().where(
    TASKS.c.job_id == JOBS.c.job_id,
    TASKS.c.document_id == DOCUMENTS.c.document_id,
    DOCUMENTS.c.status == DocumentStatus.DELETED,
)
FAILURES_KEPT = timedelta(days=365)
"""How long a job with unacknowledged failures is kept, unless `keep_days` is longer."""


async def acknowledge(
    connection: AsyncConnection,
    *,
    job_id: str | None = None,
    collection: str | None = None,
    among: Collection[str] | None = None,
    until: datetime | None = None,
) -> int:
    """Acknowledges the failures of the job, or of all jobs that ended `until` then.

    Returns the number of jobs that it acknowledged.
    """
    chosen = select(JOBS.c.job_id).where(UNACKNOWLEDGED)
    if job_id is not None:
        chosen = chosen.where(JOBS.c.job_id == job_id)
    if collection is not None:
        chosen = chosen.where(JOBS.c.collection == collection)
    if among is not None:
        chosen = chosen.where(JOBS.c.collection.in_(among))
    if until is not None:
        chosen = chosen.where(JOBS.c.finished_at <= until)
    # Locked in order of id, so that two such requests do not deadlock.
    chosen = chosen.order_by(JOBS.c.job_id).with_for_update(key_share=True)
    ids = (await connection.execute(chosen)).scalars().all()
    seen = {"acknowledged_at": NOW, "acknowledged_by": actor()}
    await connection.execute(update(JOBS).where(JOBS.c.job_id.in_(ids)).values(**seen))
    return len(ids)
