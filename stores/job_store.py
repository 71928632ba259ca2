"""Jobs as people see them: admitting uploads, looking a job up, listing, forgetting."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Expired, NotFound
from domain.jobs import (
    Admission,
    Counts,
    Job,
    JobStatus,
    Lane,
    OnDuplicate,
    Page,
    Step,
    Task,
    TaskStatus,
    Upload,
    new_job_id,
)
from stores.admission import Place, find_places
from stores.cursors import decode_cursor, encode_cursor
from stores.database import NOW, Database
from stores.job_status import close_if_done, count_columns
from stores.tables import JOBS, TASKS


class JobStore:
    """Admits uploads and answers questions about jobs. Any number of processes may use it at once."""

    def __init__(self, database: Database, *, max_attempts: int = 4, keep_days: float = 7) -> None:
        self.database = database
        self.max_attempts = max_attempts
        self.keep = timedelta(days=keep_days)

    async def admit(
        self,
        collection: str,
        uploads: Sequence[Upload],
        *,
        kind: str = "upload",
        lane: Lane = Lane.INTERACTIVE,
        on_duplicate: OnDuplicate = OnDuplicate.RETURN,
        job_id: str | None = None,
    ) -> list[Admission]:
        """What became of each upload, in order; one job, made in one transaction, holds a task for each.

        With the `job_id` of an open job its tasks are added to that job. Bytes that are in the collection
        already are not read again unless `on_duplicate` says so. Raises Conflict for `reject`.
        """
        async with self.database.begin() as connection:
            places = await find_places(connection, collection, uploads, on_duplicate)
            job = job_id or new_job_id()
            first = await _next_ordinal(connection, job) if job_id else 0
            await _ensure_job(connection, job, kind, lane, collection)
            rows = [
                self._task_row(job, lane, first + n, collection, upload, place)
                for n, (upload, place) in enumerate(zip(uploads, places, strict=True))
            ]
            await connection.execute(insert(TASKS), rows)
            if not all(place.needs_work for place in places):
                await close_if_done(connection, [job])
        return list(map(_admission, rows, places))

    def _task_row(
        self, job: str, lane: Lane, ordinal: int, collection: str, upload: Upload, place: Place
    ) -> dict[str, Any]:
        """A queued task, or one that is complete from the start because its document is searchable."""
        done = not place.needs_work
        return {
            "task_id": uuid.uuid4(),
            "job_id": job,
            "ordinal": ordinal,
            "document_id": place.document_id,
            "collection": collection,
            "version": place.version,
            "sha256": upload.sha256,
            "filename": upload.filename,
            "lane": lane,
            "step": Step.READ_TEXT,
            "max_attempts": self.max_attempts,
            "lease_token": 0,
            "status": TaskStatus.COMPLETED if done else TaskStatus.QUEUED,
            "attempt": 0,
            "isolate": False,
            "pages_done": (place.pages or 0) if done else 0,
            "pages_total": place.pages if done else None,
            "chunks_done": place.chunks if done else 0,
            "chunks_total": place.chunks if done else None,
            "finished_at": datetime.now(UTC) if done else None,
            "searchable_at": datetime.now(UTC) if done else None,
        }

    async def job(self, job_id: str) -> Job:
        """The job with its counts and, while it is queued, its position. Raises NotFound, Expired."""
        async with self.database.begin() as connection:
            found = (await connection.execute(_jobs().where(JOBS.c.job_id == job_id))).first()
            if found is None:
                raise NotFound(f"There is no job {job_id}.")
            if found.purged_at is not None:
                raise Expired
            ahead = await _queued_before(connection, job_id) if found.status == "queued" else None
        return self._job(found, queue_position=ahead)

    async def jobs(
        self,
        *,
        status: JobStatus | None = None,
        collection: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Job]:
        """Jobs, newest first. Raises InvalidRequest for a cursor that is none of ours."""
        statement = _jobs().where(JOBS.c.purged_at.is_(None))
        if status:
            statement = statement.where(JOBS.c.status == status)
        if collection:
            statement = statement.where(JOBS.c.collection == collection)
        if cursor:
            place = tuple_(JOBS.c.created_at, JOBS.c.job_id)
            statement = statement.where(place < tuple_(*decode_cursor(cursor)))
        newest = statement.order_by(JOBS.c.created_at.desc(), JOBS.c.job_id.desc())
        async with self.database.begin() as connection:
            rows = (await connection.execute(newest.limit(limit + 1))).all()
        items = [self._job(row) for row in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        return Page(items, encode_cursor(last.created_at, last.job_id) if last else None)

    async def tasks(self, job_id: str, limit: int = 100) -> list[Task]:
        """The first tasks of the job in the order they were asked for."""
        statement = select(TASKS).where(TASKS.c.job_id == job_id).order_by(TASKS.c.ordinal)
        async with self.database.begin() as connection:
            rows = await connection.execute(statement.limit(limit))
            return [Task.model_validate(row) for row in rows]

    async def purge(self) -> int:
        """Number of jobs whose record was dropped because they finished too long ago; papers stay."""
        old = select(JOBS.c.job_id).where(
            JOBS.c.finished_at < NOW - self.keep, JOBS.c.purged_at.is_(None)
        )
        async with self.database.begin() as connection:
            gone = (await connection.execute(old.limit(1000))).scalars().all()
            await connection.execute(delete(TASKS).where(TASKS.c.job_id.in_(gone)))
            forget = update(JOBS).where(JOBS.c.job_id.in_(gone)).values(purged_at=NOW)
            await connection.execute(forget)
        return len(gone)

    def _job(self, row: Row[Any], queue_position: int | None = None) -> Job:
        fields = dict(row._mapping)
        counts = Counts.model_validate({name: fields.pop(name) for name in TaskStatus})
        if row.finished_at is not None:
            fields["expires_at"] = row.finished_at + self.keep
        return Job.model_validate({**fields, "counts": counts, "queue_position": queue_position})


def _jobs() -> Select[Any]:
    """Jobs with their tasks added up."""
    sums = [
        func.coalesce(func.sum(TASKS.c[name]), 0).label(name)
        for name in ("pages_done", "pages_total", "chunks_done")
    ]
    added_up = (
        select(*count_columns(), *sums).where(TASKS.c.job_id == JOBS.c.job_id).lateral("added_up")
    )
    return select(JOBS, added_up).join(added_up, onclause=JOBS.c.job_id.is_not(None))


async def _ensure_job(
    connection: AsyncConnection, job_id: str, kind: str, lane: Lane, collection: str
) -> None:
    row = {"job_id": job_id, "kind": kind, "lane": lane, "collection": collection}
    await connection.execute(insert(JOBS).values(**row).on_conflict_do_nothing())


async def _next_ordinal(connection: AsyncConnection, job_id: str) -> int:
    highest = select(func.coalesce(func.max(TASKS.c.ordinal), -1)).where(TASKS.c.job_id == job_id)
    return (await connection.execute(highest)).scalar_one() + 1


async def _queued_before(connection: AsyncConnection, job_id: str) -> int:
    """Number of queued tasks of the lane that will be claimed before the first one of this job."""
    mine = (
        select(TASKS.c.lane, TASKS.c.created_at)
        .where(TASKS.c.job_id == job_id)
        .order_by(TASKS.c.ordinal)
        .limit(1)
        .subquery()
    )
    ahead = select(func.count()).where(
        TASKS.c.status == TaskStatus.QUEUED,
        TASKS.c.lane == mine.c.lane,
        TASKS.c.created_at < mine.c.created_at,
    )
    return (await connection.execute(ahead)).scalar_one() + 1


def _admission(row: dict[str, Any], place: Place) -> Admission:
    duplicate_of = place.document_id if place.was_here else None
    return Admission(
        row["job_id"], row["task_id"], place.document_id, row["filename"], duplicate_of
    )
