"""The registrations of folders in PostgreSQL: leased to a JobManager until they are finished."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Failure, LeaseLost
from domain.folder_jobs import CANCELLED, FolderJob, Registration
from stores.postgres.audit_log import actor
from stores.postgres.database import NOW, Database, seconds
from stores.postgres.job_status import close_if_done, lock_jobs
from stores.postgres.schema import FOLDER_JOBS, JOBS

IS_UNFINISHED = FOLDER_JOBS.c.finished_at.is_(None)
IS_FREE = or_(FOLDER_JOBS.c.leased_until.is_(None), FOLDER_JOBS.c.leased_until < NOW)
NEXT = (
    select(FOLDER_JOBS.c.job_id)
    .where(IS_UNFINISHED, IS_FREE)
    .order_by(FOLDER_JOBS.c.created_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)


class FolderJobs:
    """Leases registrations. Safe for concurrent use by several processes.

    `record`, `release` and `finish` raise LeaseLost if another JobManager holds the lease, or the
    job was cancelled. Every method raises DatabaseUnavailable.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    async def open(self, job_id: str, folder: str, collection: str) -> None:
        """Adds the registration of a folder to a job that exists, for the current actor."""
        values = {"job_id": job_id, "folder": folder, "collection": collection, "actor": actor()}
        async with self.database.begin() as connection:
            await connection.execute(insert(FOLDER_JOBS).values(values))

    async def get(self, job_id: str) -> FolderJob | None:
        """Returns the registration of a job, None if it has none."""
        statement = select(FOLDER_JOBS).where(FOLDER_JOBS.c.job_id == job_id)
        async with self.database.single() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else FolderJob.model_validate(row)

    async def claim(self, lease_seconds: float) -> FolderJob | None:
        """Leases the oldest unfinished registration without a lease; None if there is none."""
        leased = {
            "leased_until": NOW + seconds(lease_seconds),
            "lease_token": FOLDER_JOBS.c.lease_token + 1,
        }
        chosen = FOLDER_JOBS.c.job_id == NEXT.scalar_subquery()
        statement = update(FOLDER_JOBS).where(chosen).values(leased).returning(FOLDER_JOBS)
        async with self.database.single() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else FolderJob.model_validate(row)

    async def record(self, job: FolderJob, progress: Registration, lease_seconds: float) -> None:
        """Records the progress and extends the lease."""
        values = {**_columns(progress), "leased_until": NOW + seconds(lease_seconds)}
        async with self.database.begin() as connection:
            await _change(connection, job, values)

    async def release(self, job: FolderJob, delay_seconds: float = 0) -> None:
        """Returns the registration to the queue; it is claimed after `delay_seconds`."""
        async with self.database.begin() as connection:
            await _change(connection, job, {"leased_until": NOW + seconds(delay_seconds)})

    async def finish(
        self, job: FolderJob, progress: Registration, error: Failure | None = None
    ) -> None:
        """Ends the registration, and the job if all its tasks have ended.

        With an error, the job ends as partial or failed.
        """
        values = {**_columns(progress), "error": asdict(error) if error else None}
        async with self.database.begin() as connection:
            await lock_jobs(connection, [job.job_id])  # lock order: jobs, folder jobs
            await _change(connection, job, {**values, "finished_at": NOW})
            complete = update(JOBS).where(JOBS.c.job_id == job.job_id)
            await connection.execute(complete.values(admitting_until=None))
            await close_if_done(connection, [job.job_id])


async def stop_registration(connection: AsyncConnection, job_id: str) -> None:
    """Ends the registration of a cancelled job, if it has one; its JobManager loses the lease."""
    own: tuple[ColumnElement[bool], ...] = (FOLDER_JOBS.c.job_id == job_id, IS_UNFINISHED)
    stopped = {"finished_at": NOW, "error": asdict(CANCELLED)}
    await connection.execute(update(FOLDER_JOBS).where(*own).values(stopped))


async def _change(connection: AsyncConnection, job: FolderJob, values: dict[str, Any]) -> None:
    """Changes the row. Raises LeaseLost if the lease of this claim is over."""
    held = (
        FOLDER_JOBS.c.job_id == job.job_id,
        FOLDER_JOBS.c.lease_token == job.lease_token,
        IS_UNFINISHED,
    )
    if not (await connection.execute(update(FOLDER_JOBS).where(*held).values(values))).rowcount:
        raise LeaseLost(f"The registration of job {job.job_id} was cancelled or taken over.")


def _columns(progress: Registration) -> dict[str, Any]:
    return {
        "registered": progress.registered,
        "known": progress.known,
        "refused_files": progress.refused_files,
        "refused": [one.model_dump() for one in progress.refused],
    }
