"""The client-facing side of jobs: admission of uploads, queries, and deletion of old jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import Document, document_id
from domain.errors import Expired, IdempotencyKeyReused, NotFound
from domain.fair_share import flow_of
from domain.identifiers import JOB_ID
from domain.jobs import (
    Admission,
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
from stores.postgres.acknowledgements import FAILURES_KEPT, NAMES_DELETED_PAPER, UNACKNOWLEDGED
from stores.postgres.admission import (
    BeforeCommit,
    admission_of,
    admit_new,
    create_tasks,
    filter_known,
    next_ordinal,
    no_callback,
    resolve_documents,
    run_before_commit,
)
from stores.postgres.cursors import decode_cursor, encode_cursor
from stores.postgres.database import NOW, Database
from stores.postgres.document_moves import finish_move, lock_for_move
from stores.postgres.job_status import (
    ADMITTING,
    HAS_OPEN_TASKS,
    IS_QUEUED,
    close_if_done,
    inline,
)
from stores.postgres.job_totals import JOBS_WITH_TOTALS, totals_of
from stores.postgres.queue_limit import AdmissionLimit
from stores.postgres.quotas import QuotaCheck
from stores.postgres.schema import EVENTS, FOLDER_JOBS, JOBS, TASKS

ADMISSION_SECONDS = 120  # silence after which the client of an admission in parts counts as dead

ABANDONED = select(JOBS.c.job_id).where(
    JOBS.c.admitting_until < NOW, JOBS.c.finished_at.is_(None), ~HAS_OPEN_TASKS, ~ADMITTING
)
# Runs several times a second for each long poll: a prepared statement, built once.
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
BEFORE = TASKS.alias("before")  # created once: an alias copies every column


class JobStore:
    """Admits uploads and reads jobs. Safe for concurrent use by several processes."""

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
        self.keep_failures = max(self.keep, FAILURES_KEPT)
        self.admission_limit = AdmissionLimit(self._count_open, queue_limit)
        self._quotas = QuotaCheck(database)

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
        before_commit: BeforeCommit = no_callback,
    ) -> list[Admission]:
        """Creates a job with a task for each upload, in one transaction.

        Returns the admissions, in order of the uploads. With a `job_id` the tasks are added to that
        job, which is created if necessary. With `more_to_come` the job stays open for the next part
        for ADMISSION_SECONDS; a part without it, which may be empty, is the last. Bytes that are in
        the collection already are processed again only if `on_duplicate` is REPROCESS.

        With `known_only`, uploads whose document was deleted are skipped, and no job is created if
        none remain; so a re-ingestion never restores a paper that was deleted concurrently.
        `before_commit` is awaited once, after all checks that can reject the uploads and before
        their tasks become visible.

        Raises Conflict for a duplicate under REJECT and for uploads to a job that has ended, and
        QueueFull if the collection has `queue_limit` open tasks, and QuotaExceeded.
        """
        if uploads:
            await self.admission_limit.reserve(collection, len(uploads))
            await self._quotas.check(collection, uploads)
        is_part = job_id is not None or more_to_come
        job = self._job_columns(job_id or new_job_id(), collection, kind, lane)
        job["flow"] = job["job_id"] if is_part else flow_of(job["job_id"], lane, len(uploads))
        job["waits_seconds"] = ADMISSION_SECONDS if more_to_come else None
        is_complete = uploads and not is_part and not known_only
        if is_complete and on_duplicate != OnDuplicate.REJECT:  # no check can reject it any more
            await before_commit()
            before_commit = no_callback
            admitted = await admit_new(
                self.database, collection, uploads, kind, lane, self.max_attempts
            )
            if admitted:
                return admitted
        async with self.database.begin() as connection:
            if known_only:
                uploads = await filter_known(connection, collection, uploads)
                if not uploads:
                    return []
            targets = await resolve_documents(connection, collection, uploads, on_duplicate)
            if job_id:
                job["first"] = await next_ordinal(connection, job_id, uploads)
            await run_before_commit(connection, before_commit)
            return await create_tasks(connection, job, uploads, targets)

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
        before_commit: BeforeCommit = no_callback,
    ) -> list[Admission]:
        """Like `admit`, but idempotent by `job_id`: a repeated request gets the first result.

        The insert of the job row decides which of several concurrent requests admits; the others
        block until its commit. Raises IdempotencyKeyReused if the job belongs to a request with
        another digest, Expired if its tasks were purged, and what `admit` raises.
        """
        earlier = await self._earlier_result(job_id, request_digest, len(uploads))
        if earlier is not None:
            return earlier
        await self.admission_limit.reserve(collection, len(uploads))
        await self._quotas.check(collection, uploads)
        job = self._job_columns(job_id, collection, kind, lane)
        job["flow"] = flow_of(job_id, lane, len(uploads))
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
                targets = await resolve_documents(connection, collection, uploads, on_duplicate)
                await run_before_commit(connection, before_commit)
                return await create_tasks(connection, job, uploads, targets)
        return await self._earlier_result(job_id, request_digest, len(uploads)) or []

    async def move(self, document: Document, collection: str) -> Admission:
        """Replaces the document by one of another collection, and returns that one's admission.

        The new document has the tags, the corrections and, until it has been read, the metadata of
        the former one. Raises NotFound for a deleted document, Conflict if the collection has a
        document of these bytes, QueueFull, and QuotaExceeded; nothing has changed then.
        """
        upload = Upload(document.filename, document.sha256, document.bytes)
        target = document_id(collection, document.sha256)
        await self.admission_limit.reserve(collection, 1)
        await self._quotas.check(collection, [upload])
        job = self._job_columns(new_job_id(), collection, "move", Lane.INTERACTIVE)
        job["flow"] = flow_of(job["job_id"], Lane.INTERACTIVE, 1)
        async with self.database.begin() as connection:
            source = await lock_for_move(connection, document, target)
            targets = await resolve_documents(connection, collection, [upload], OnDuplicate.RETURN)
            await finish_move(connection, source, target)
            (admission,) = await create_tasks(connection, job, [upload], targets)
        return admission

    async def _earlier_result(
        self, job_id: str, request_digest: str, files: int
    ) -> list[Admission] | None:
        """Returns the result of an earlier identical request, None if there was none."""
        statement = select(JOBS.c.request_digest, JOBS.c.purged_at).where(JOBS.c.job_id == job_id)
        async with self.database.single() as connection:
            job = (await connection.execute(statement)).first()
        if job is None:
            return None
        if job.request_digest not in (None, request_digest):  # None: job of an earlier release
            raise IdempotencyKeyReused
        if job.purged_at is not None:
            raise Expired
        return list(map(admission_of, await self.tasks(job_id, limit=files)))

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

    async def check_queue_limit(self, collection: str) -> None:
        """Raises QueueFull if `admit` would reject uploads to the collection."""
        await self.admission_limit.reserve(collection, 0)

    async def _count_open(self, collection: str, limit: int) -> int:
        async with self.database.driver() as connection:
            return int(await connection.fetchval(COUNT_OPEN, collection, limit) or 0)

    async def close_abandoned(self) -> int:
        """Closes jobs whose next part did not arrive in time; returns their number."""
        async with self.database.begin() as connection:
            abandoned = (await connection.execute(ABANDONED)).scalars().all()
            return await close_if_done(connection, abandoned) if abandoned else 0

    async def job(self, job_id: str) -> Job:
        """Returns the job with counts and, while queued, its position. Raises NotFound, Expired."""
        statement = JOBS_WITH_TOTALS.where(JOBS.c.job_id == job_id)
        async with self.database.single() as connection:
            found = (await connection.execute(statement)).first()
            if found is None:
                raise NotFound(f"There is no job {job_id}.")
            if found.purged_at is not None:
                raise Expired
            ahead = await _queued_before(connection, job_id) if found.status == "queued" else None
        return self._job(found, queue_position=ahead)

    async def collection_of(self, job_id: str) -> str | None:
        """Returns the collection of a job, also of a purged one; None for an unknown job."""
        statement = select(JOBS.c.collection).where(JOBS.c.job_id == job_id)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).scalar()

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
        among: Collection[str] | None = None,
        job_ids: Collection[str] | None = None,
        unacknowledged: bool = False,
        cursor: str | None = None,
        limit: int = 50,
    ) -> CursorPage[Job]:
        """Returns a page of jobs, newest first; only these jobs and collections `among`, if given.

        With `unacknowledged` only jobs with unacknowledged failures.

        Raises InvalidRequest for an invalid cursor.
        """
        statement = JOBS_WITH_TOTALS.where(JOBS.c.purged_at.is_(None))
        if status:
            statement = statement.where(JOBS.c.status == status)
        if collection:
            statement = statement.where(JOBS.c.collection == collection)
        if among is not None:
            statement = statement.where(JOBS.c.collection.in_(among))
        if job_ids is not None:
            statement = statement.where(JOBS.c.job_id.in_(job_ids))
        if unacknowledged:
            statement = statement.where(UNACKNOWLEDGED)
        if cursor:
            key = tuple_(JOBS.c.created_at, JOBS.c.job_id)
            statement = statement.where(key < tuple_(*decode_cursor(cursor, JOB_ID)))
        newest = statement.order_by(JOBS.c.created_at.desc(), JOBS.c.job_id.desc())
        async with self.database.single() as connection:
            rows = (await connection.execute(newest.limit(limit + 1))).all()
        items = [self._job(row) for row in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        return CursorPage(items, encode_cursor(last.created_at, last.job_id) if last else None)

    async def count_unacknowledged(self, among: Collection[str] | None = None) -> int:
        """Returns the number of jobs with unacknowledged failures."""
        statement = select(func.count()).select_from(JOBS).where(UNACKNOWLEDGED)
        if among is not None:
            statement = statement.where(JOBS.c.collection.in_(among))
        async with self.database.single() as connection:
            return (await connection.execute(statement)).scalar_one()

    async def tasks(self, job_id: str, limit: int = 100, first: int = 0) -> list[Task]:
        """Returns `limit` tasks of the job from number `first` on, in the order of their uploads.

        The tasks of a job are numbered from 0 without gaps.
        """
        of_job = (TASKS.c.job_id == job_id, TASKS.c.ordinal >= first)
        statement = select(TASKS).where(*of_job).order_by(TASKS.c.ordinal)
        async with self.database.single() as connection:
            rows = await connection.execute(statement.limit(limit))
            return [Task.model_validate(row) for row in rows]

    async def filenames(self, task_ids: Collection[UUID]) -> dict[UUID, str]:
        """Returns the file names of these tasks; that of a deleted paper is empty."""
        statement = select(TASKS.c.task_id, TASKS.c.filename).where(TASKS.c.task_id.in_(task_ids))
        async with self.database.single() as connection:
            return {row.task_id: row.filename for row in await connection.execute(statement)}

    async def purge(self) -> int:
        """Deletes tasks, events and folders of jobs that ended `keep_days` ago; keeps the papers.

        Jobs with unacknowledged failures are kept for FAILURES_KEPT, unless one of
        their papers was deleted. Returns the number of purged jobs, at most 1000 per call.
        """
        old = select(JOBS.c.job_id).where(
            JOBS.c.finished_at < NOW - self.keep,
            JOBS.c.purged_at.is_(None),
            or_(
                ~UNACKNOWLEDGED,
                NAMES_DELETED_PAPER,
                JOBS.c.finished_at < NOW - self.keep_failures,
            ),
        )
        old = old.limit(1000).with_for_update(key_share=True, skip_locked=True)
        async with self.database.begin() as connection:
            job_ids = (await connection.execute(old)).scalars().all()
            for table in (TASKS, EVENTS, FOLDER_JOBS):
                await connection.execute(delete(table).where(table.c.job_id.in_(job_ids)))
            mark_purged = update(JOBS).where(JOBS.c.job_id.in_(job_ids)).values(purged_at=NOW)
            await connection.execute(mark_purged)
        return len(job_ids)

    def _job(self, row: Row[Any], queue_position: int | None = None) -> Job:
        fields = dict(row._mapping)
        fields |= totals_of(fields.pop("task_groups"))
        job = Job.model_validate({**fields, "queue_position": queue_position})
        if job.finished_at is None:
            return job
        keep = self.keep_failures if job.has_open_failures else self.keep
        return job.model_copy(update={"expires_at": job.finished_at + keep})


async def _queued_before(connection: AsyncConnection, job_id: str) -> int | None:
    """Returns 1 + the number of queued tasks of the lane that are older than the job's first one.

    Fair shares let a job start earlier if older tasks belong to other flows.
    """
    first = (
        select(TASKS.c.lane, TASKS.c.created_at)
        .where(TASKS.c.job_id == job_id, IS_QUEUED)
        .order_by(TASKS.c.created_at)
        .limit(1)
        .subquery()
    )
    ahead = (
        select(func.count())
        .where(
            BEFORE.c.status == inline(TaskStatus.QUEUED),
            BEFORE.c.lane == first.c.lane,
            BEFORE.c.created_at < first.c.created_at,
        )
        .scalar_subquery()
    )
    return (await connection.execute(select(ahead + 1).select_from(first))).scalar()
