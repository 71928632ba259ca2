"""Jobs as people see them: admitting uploads, looking a job up, listing, forgetting."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict, Expired, IdempotencyKeyReused, NotFound
from domain.identifiers import JOB_ID
from domain.jobs import (
    Admission,
    Counts,
    CursorPage,
    Job,
    JobStatus,
    Lane,
    OnDuplicate,
    Task,
    TaskStatus,
    Upload,
    WaitFor,
    new_job_id,
)
from runtime.single_flight import SingleFlight
from stores.postgres.admission import (
    AdmissionTarget,
    BeforeCommit,
    nothing,
    replayed,
    resolve_documents,
    run_before_commit,
    still_known,
)
from stores.postgres.admission_of_new import admit_new
from stores.postgres.cursors import decode_cursor, encode_cursor
from stores.postgres.database import NOW, Database
from stores.postgres.job_status import (
    IS_QUEUED,
    STILL_OPEN,
    close_if_done,
    count_columns,
    fixed,
    lock_jobs,
    share_column,
)
from stores.postgres.queue_limit import AdmissionLimit
from stores.postgres.schema import EVENTS, JOBS, TASKS

ADMISSION_SECONDS = 120  # of silence, after which whoever admits a job in parts is taken for dead

# One round trip. A task is complete from the start when its document can be searched already.
MAKE_JOB_AND_TASKS = text("""
    WITH job AS (
        INSERT INTO jobs AS here (job_id, kind, lane, collection, admitting_until)
        VALUES (
            :job_id, :kind, :lane, :collection,
            statement_timestamp() + make_interval(secs => CAST(:waits_seconds AS float))
        )
        ON CONFLICT (job_id) DO UPDATE SET admitting_until = EXCLUDED.admitting_until
        WHERE here.finished_at IS NULL
    )
    INSERT INTO tasks (
        task_id, job_id, ordinal, document_id, collection, version, sha256, filename, lane, urgent,
        max_attempts, status, pages_done, pages_total, chunks_done, chunks_total,
        searchable_at, finished_at
    )
    SELECT
        new.task_id, :job_id, :first + new.place - 1, new.document_id, :collection, new.version,
        new.sha256, new.filename, :lane, :lane = 'interactive', :max_attempts,
        CASE WHEN new.done THEN 'completed' ELSE 'queued' END,
        coalesce(new.pages, 0), new.pages, coalesce(new.chunks, 0), new.chunks,
        CASE WHEN new.done THEN clock_timestamp() END,
        CASE WHEN new.done THEN clock_timestamp() END
    FROM unnest(
        CAST(:task_ids AS uuid[]), CAST(:documents AS text[]), CAST(:versions AS int[]),
        CAST(:digests AS text[]), CAST(:filenames AS text[]), CAST(:done AS boolean[]),
        CAST(:pages AS int[]), CAST(:chunks AS int[])
    ) WITH ORDINALITY AS new (
        task_id, document_id, version, sha256, filename, done, pages, chunks, place
    )
""")

# Jobs with their tasks added up.
SUMS = [
    func.coalesce(func.sum(TASKS.c[name]), 0).label(name)
    for name in ("pages_done", "pages_total", "chunks_done")
]
SHARES = func.coalesce(func.sum(share_column()), 0.0).label("shares_done")
ADDED_UP = select(*count_columns(), *SUMS, SHARES).where(TASKS.c.job_id == JOBS.c.job_id).lateral()
WITH_COUNTS = select(JOBS, ADDED_UP).join(ADDED_UP, onclause=JOBS.c.job_id.is_not(None))

ABANDONED = select(JOBS.c.job_id).where(
    JOBS.c.admitting_until < NOW, JOBS.c.finished_at.is_(None), ~STILL_OPEN
)
# Asked many times a second while somebody waits: prepared, and not built anew each time.
HAS_COME = """
    SELECT finished_at IS NOT NULL OR ($2 AND NOT EXISTS (
        SELECT FROM tasks
        WHERE tasks.job_id = $1 AND searchable_at IS NULL AND status IN ('queued', 'running')
    )) FROM jobs WHERE job_id = $1
"""
COUNT_OPEN = """
    SELECT count(*) FROM (
        SELECT FROM tasks WHERE collection = $1 AND status IN ('queued', 'running') LIMIT $2
    ) AS open
"""
BEFORE = TASKS.alias("before")  # made once: an alias copies every column


class JobStore:
    """Admits uploads and answers for jobs. Any number of processes may use it at once."""

    def __init__(
        self,
        database: Database,
        *,
        max_attempts: int = 4,
        keep_days: float = 7,
        queue_limit: int | None = None,
    ) -> None:
        self.database = database
        self._has_come = SingleFlight[bool]()
        self.max_attempts = max_attempts
        self.keep = timedelta(days=keep_days)
        self.room = AdmissionLimit(self._count_open, queue_limit)

    async def admit(
        self,
        collection: str,
        uploads: Sequence[Upload],
        *,
        kind: str = "upload",
        lane: Lane = Lane.INTERACTIVE,
        on_duplicate: OnDuplicate = OnDuplicate.RETURN,
        job_id: str | None = None,
        more_to_come: bool = False,
        known_only: bool = False,
        before_commit: BeforeCommit = nothing,
    ) -> list[Admission]:
        """What became of each upload, in order; one transaction makes a job with a task for each.

        With a `job_id` the tasks are added to that job, made when there is none. With
        `more_to_come` the job stays open for the next part, for ADMISSION_SECONDS; a part without
        it, which may be empty, is the last. Bytes that are in the collection already are not read
        again unless `on_duplicate` says so. Raises Conflict for a duplicate under `reject`, and for
        uploads to a job that has ended; QueueFull when the collection has `queue_limit` open tasks.

        With `known_only` an upload whose document was deleted is left out, and without any there is
        no job: who reads a paper again does not bring back what somebody deleted meanwhile.
        `before_commit` is awaited once, after everything that could refuse the uploads and before
        anybody can see their tasks.
        """
        if uploads:
            await self.room.take(collection, len(uploads))
        job = self._job_columns(job_id or new_job_id(), collection, kind, lane)
        job["waits_seconds"] = ADMISSION_SECONDS if more_to_come else None
        is_whole = uploads and job_id is None and not more_to_come and not known_only
        if is_whole and on_duplicate != OnDuplicate.REJECT:  # nothing can refuse it any more
            await before_commit()
            before_commit = nothing
            admitted = await admit_new(
                self.database, collection, uploads, kind, lane, self.max_attempts
            )
            if admitted:
                return admitted
        async with self.database.begin() as connection:
            if known_only:
                uploads = await still_known(connection, collection, uploads)
                if not uploads:
                    return []
            places = await resolve_documents(connection, collection, uploads, on_duplicate)
            if job_id:
                job["first"] = await _next_ordinal(connection, job_id, uploads)
            await run_before_commit(connection, before_commit)
            return await _make_tasks(connection, job, uploads, places)

    async def admit_once(
        self,
        collection: str,
        uploads: Sequence[Upload],
        *,
        job_id: str,
        request_digest: str,
        kind: str = "upload",
        lane: Lane = Lane.INTERACTIVE,
        on_duplicate: OnDuplicate = OnDuplicate.RETURN,
        before_commit: BeforeCommit = nothing,
    ) -> list[Admission]:
        """As `admit`, once for each `job_id`: who repeats the request gets the first one's answer.

        The insert of the job decides which of several processes admits; the others wait for its
        commit. Raises IdempotencyKeyReused where the job belongs to a request with another digest,
        Expired where its tasks were cleaned up; Conflict and QueueFull as `admit`.
        """
        known = await self._replayed(job_id, request_digest, len(uploads))
        if known is not None:
            return known
        await self.room.take(collection, len(uploads))
        job = self._job_columns(job_id, collection, kind, lane)
        async with self.database.begin() as connection:
            claim = insert(JOBS).values(
                job_id=job_id,
                collection=collection,
                kind=kind,
                lane=lane,
                request_digest=request_digest,
            )
            claim = claim.on_conflict_do_nothing().returning(JOBS.c.job_id)
            if (await connection.execute(claim)).first() is not None:
                places = await resolve_documents(connection, collection, uploads, on_duplicate)
                await run_before_commit(connection, before_commit)
                return await _make_tasks(connection, job, uploads, places)
        return await self._replayed(job_id, request_digest, len(uploads)) or []

    async def _replayed(
        self, job_id: str, request_digest: str, files: int
    ) -> list[Admission] | None:
        """The answer that the request got before, None when it is new."""
        statement = select(JOBS.c.request_digest, JOBS.c.purged_at).where(JOBS.c.job_id == job_id)
        async with self.database.single() as connection:
            job = (await connection.execute(statement)).first()
        if job is None:
            return None
        if job.request_digest not in (None, request_digest):  # None: of an earlier release
            raise IdempotencyKeyReused
        if job.purged_at is not None:
            raise Expired
        return list(map(replayed, await self.tasks(job_id, limit=files)))

    def _job_columns(self, job_id: str, collection: str, kind: str, lane: Lane) -> dict[str, Any]:
        return {
            "job_id": job_id,
            "kind": kind,
            "lane": lane,
            "collection": collection,
            "max_attempts": self.max_attempts,
            "first": 0,
            "waits_seconds": None,
        }

    async def check_room(self, collection: str) -> None:
        """Returns when `admit` would take more for the collection. Raises QueueFull."""
        await self.room.take(collection, 0)

    async def _count_open(self, collection: str, most: int) -> int:
        async with self.database.driver() as connection:
            return int(await connection.fetchval(COUNT_OPEN, collection, most) or 0)

    async def close_abandoned(self) -> int:
        """Number of jobs that ended here: more was to come, but it never did."""
        async with self.database.begin() as connection:
            waited_for = (await connection.execute(ABANDONED)).scalars().all()
            return await close_if_done(connection, waited_for) if waited_for else 0

    async def job(self, job_id: str) -> Job:
        """The job, its counts and, while queued, its position. Raises NotFound, Expired."""
        async with self.database.single() as connection:
            found = (await connection.execute(WITH_COUNTS.where(JOBS.c.job_id == job_id))).first()
            if found is None:
                raise NotFound(f"There is no job {job_id}.")
            if found.purged_at is not None:
                raise Expired
            ahead = await _queued_before(connection, job_id) if found.status == "queued" else None
        return self._job(found, queue_position=ahead)

    async def has_come(self, job_id: str, until: WaitFor) -> bool:
        """True once the job has reached `until` (finished, or searchable).

        Unknown jobs count as finished. Concurrent callers share one query.
        """
        query = partial(self._query_has_come, job_id, until)
        return await self._has_come.run((job_id, until), query)

    async def _query_has_come(self, job_id: str, until: WaitFor) -> bool:
        async with self.database.driver() as connection:
            return (
                await connection.fetchval(HAS_COME, job_id, until == WaitFor.SEARCHABLE)
                is not False
            )

    async def jobs(
        self,
        *,
        status: JobStatus | None = None,
        collection: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> CursorPage[Job]:
        """Jobs, newest first. Raises InvalidRequest for a cursor that is none of ours."""
        statement = WITH_COUNTS.where(JOBS.c.purged_at.is_(None))
        if status:
            statement = statement.where(JOBS.c.status == status)
        if collection:
            statement = statement.where(JOBS.c.collection == collection)
        if cursor:
            place = tuple_(JOBS.c.created_at, JOBS.c.job_id)
            statement = statement.where(place < tuple_(*decode_cursor(cursor, JOB_ID)))
        newest = statement.order_by(JOBS.c.created_at.desc(), JOBS.c.job_id.desc())
        async with self.database.single() as connection:
            rows = (await connection.execute(newest.limit(limit + 1))).all()
        items = [self._job(row) for row in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        return CursorPage(items, encode_cursor(last.created_at, last.job_id) if last else None)

    async def tasks(self, job_id: str, limit: int = 100) -> list[Task]:
        """The first tasks of the job in the order they were asked for."""
        statement = select(TASKS).where(TASKS.c.job_id == job_id).order_by(TASKS.c.ordinal)
        async with self.database.single() as connection:
            rows = await connection.execute(statement.limit(limit))
            return [Task.model_validate(row) for row in rows]

    async def purge(self) -> int:
        """Number of jobs forgotten because they ended `keep_days` ago; papers stay."""
        old = select(JOBS.c.job_id).where(
            JOBS.c.finished_at < NOW - self.keep, JOBS.c.purged_at.is_(None)
        )
        old = old.limit(1000).with_for_update(key_share=True, skip_locked=True)
        async with self.database.begin() as connection:
            gone = (await connection.execute(old)).scalars().all()
            for table in (TASKS, EVENTS):
                await connection.execute(delete(table).where(table.c.job_id.in_(gone)))
            forget = update(JOBS).where(JOBS.c.job_id.in_(gone)).values(purged_at=NOW)
            await connection.execute(forget)
        return len(gone)

    def _job(self, row: Row[Any], queue_position: int | None = None) -> Job:
        fields = dict(row._mapping)
        counts = Counts.model_validate({name: fields.pop(name) for name in TaskStatus})
        if row.finished_at is not None:
            fields["expires_at"] = row.finished_at + self.keep
        return Job.model_validate({**fields, "counts": counts, "queue_position": queue_position})


async def _make_tasks(
    connection: AsyncConnection,
    job: dict[str, Any],
    uploads: Sequence[Upload],
    places: Sequence[AdmissionTarget],
) -> list[Admission]:
    """What became of each upload: the job has a task for it."""
    task_ids = [uuid.uuid4() for _ in uploads]
    tasks = _task_columns(task_ids, uploads, places)
    await connection.execute(MAKE_JOB_AND_TASKS, {**job, **tasks})
    if not any(place.needs_work for place in places):  # else a task is open
        await close_if_done(connection, [job["job_id"]])
    return [_admission(job["job_id"], *one) for one in zip(task_ids, uploads, places, strict=True)]


async def _next_ordinal(connection: AsyncConnection, job_id: str, uploads: Sequence[Upload]) -> int:
    """Where the next task of the job goes; the job is locked, so that it cannot end meanwhile."""
    for job in await lock_jobs(connection, [job_id]):
        if uploads and job.cancel_requested:
            raise Conflict(f"Job {job_id} was cancelled; nothing more is admitted to it.")
        if uploads and job.finished_at is not None:
            raise Conflict(f"Job {job_id} has ended; leave job_id out to start a new one.")
    highest = select(func.coalesce(func.max(TASKS.c.ordinal), -1)).where(TASKS.c.job_id == job_id)
    return (await connection.execute(highest)).scalar_one() + 1


async def _queued_before(connection: AsyncConnection, job_id: str) -> int | None:
    """1 + the number of queued tasks of the lane that come before the first one of this job."""
    mine = (
        select(TASKS.c.lane, TASKS.c.next_attempt_at)
        .where(TASKS.c.job_id == job_id, IS_QUEUED)
        .order_by(TASKS.c.next_attempt_at)
        .limit(1)
        .subquery()
    )
    ahead = (
        select(func.count())
        .where(
            BEFORE.c.status == fixed(TaskStatus.QUEUED),
            BEFORE.c.lane == mine.c.lane,
            BEFORE.c.next_attempt_at < mine.c.next_attempt_at,
        )
        .scalar_subquery()
    )
    return (await connection.execute(select(ahead + 1).select_from(mine))).scalar()


def _task_columns(
    task_ids: Sequence[uuid.UUID], uploads: Sequence[Upload], places: Sequence[AdmissionTarget]
) -> dict[str, list[Any]]:
    done = [not place.needs_work for place in places]
    return {
        "task_ids": list(task_ids),
        "documents": [place.document_id for place in places],
        "versions": [place.version for place in places],
        "digests": [upload.sha256 for upload in uploads],
        "filenames": [upload.filename for upload in uploads],
        "done": done,
        "pages": [place.pages for place in places],
        "chunks": [None if place.needs_work else place.chunks for place in places],
    }


def _admission(
    job_id: str, task_id: uuid.UUID, upload: Upload, place: AdmissionTarget
) -> Admission:
    duplicate_of = place.document_id if place.was_here else None
    return Admission(job_id, task_id, place.document_id, upload.filename, duplicate_of)
