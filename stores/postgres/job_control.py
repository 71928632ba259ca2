"""Job control: cancel a job, retry incomplete tasks, list and acknowledge failures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, delete, exists, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.deletions import VersionRange
from domain.documents import Document, DocumentStatus
from domain.errors import Expired, NotFound
from domain.identifiers import TASK_ID
from domain.job_control import (
    Cancelled,
    CancelOutcome,
    IncompleteTask,
    Version,
    cancel_outcome,
    cancelled_by,
    needs_new_version,
    not_ended,
    pages_failed,
    restart_step,
    starts_over,
)
from domain.jobs import LANE_OF_STEP, CursorPage, JobStatus, Step, Task, TaskStatus
from stores.postgres.acknowledgements import acknowledge
from stores.postgres.admission import EMPTY_DOCUMENT, RESTARTED_DOCUMENT, next_version
from stores.postgres.audit_log import actor
from stores.postgres.cursors import decode_cursor, encode_cursor
from stores.postgres.database import NOW, Database
from stores.postgres.deletion_queue import enqueue_deletions
from stores.postgres.folder_jobs import stop_registration
from stores.postgres.job_status import IS_OPEN, IS_RUNNING, cancelled_now, close_if_done, inline
from stores.postgres.schema import CITATIONS, DOCUMENTS, JOBS, TASKS

PAPERS_PER_TRANSACTION = 500

ITS_DOCUMENT = DOCUMENTS.c.document_id == TASKS.c.document_id
HAS_FAILED_PAGES = exists().where(
    ITS_DOCUMENT,
    DOCUMENTS.c.status == inline(DocumentStatus.READY),
    DOCUMENTS.c.version == TASKS.c.version,
    func.jsonb_array_length(DOCUMENTS.c.quality["pages_failed"]) > 0,
)
IS_INCOMPLETE = or_(
    TASKS.c.status == inline(TaskStatus.FAILED),
    (TASKS.c.status == inline(TaskStatus.COMPLETED)) & HAS_FAILED_PAGES,
)
IS_RETRYABLE = or_(TASKS.c.status == inline(TaskStatus.CANCELLED), IS_INCOMPLETE)


class JobControl:
    """Cancels, retries and acknowledges jobs. Safe for concurrent use by several processes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def cancel(self, job_id: str, *, keep_chunks: bool = False) -> Cancelled:
        """Cancels every open task of the job, running ones first, and stops further admissions.

        Completed papers and versions that were searchable before the job are kept. A partially
        processed paper is cancelled with its task; with `keep_chunks` its searchable part is kept
        and marked for review. Idempotent. Raises NotFound, Expired.
        """
        tasks, left_over = 0, list[Version]()
        await self._stop_admission(job_id)
        while True:
            async with self.database.begin() as connection:
                batch = await _cancel_batch(connection, job_id, keep_chunks)
            if batch is None:
                return Cancelled(tasks, tuple(left_over))
            tasks += batch.tasks
            left_over += batch.left_over

    async def _stop_admission(self, job_id: str) -> None:
        async with self.database.begin() as connection:
            await _get_job(connection, job_id)
            job = (JOBS.c.job_id == job_id, JOBS.c.finished_at.is_(None))
            stop = update(JOBS).where(*job).values(cancel_requested=True, admitting_until=None)
            await connection.execute(stop)
            await stop_registration(connection, job_id)
            await close_if_done(connection, [job_id])

    async def retry(self, job_id: str) -> int:
        """Requeues failed and cancelled tasks, and tasks of papers with pages that failed.

        Returns the number of requeued tasks; each gets all its attempts again. A task resumes at
        its last checkpoint. A paper that is not searchable starts over as a new version. Deleted
        papers are skipped. Raises NotFound, Expired.
        """
        retried, after = 0, -1
        while True:
            async with self.database.begin() as connection:
                job = await _get_job(connection, job_id)
                batch = await _retry_batch(connection, job, after)
            if batch is None:
                return retried
            after, count = batch
            retried += count

    async def acknowledge(self, job_id: str) -> bool:
        """Marks the failures of a job as seen by the actor of the request. Idempotent.

        Returns True if the job has unacknowledged failures. A retry makes the mark
        void. Raises NotFound, Expired, and Conflict for a job that has not ended.
        """
        async with self.database.begin() as connection:
            job = await _get_job(connection, job_id)
            if job.finished_at is None:
                raise not_ended(job_id)
            return bool(await acknowledge(connection, job_id=job_id))

    async def acknowledge_all(
        self,
        *,
        collection: str | None = None,
        among: Collection[str] | None = None,
        until: datetime | None = None,
    ) -> int:
        """Marks the failures of all jobs as seen: of these collections, ended `until` then.

        Returns the number of jobs whose failures it acknowledged.
        """
        async with self.database.begin() as connection:
            return await acknowledge(connection, collection=collection, among=among, until=until)

    async def failures(
        self, job_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> CursorPage[IncompleteTask]:
        """Returns a page of tasks that failed or have failed pages, the latest first.

        Raises NotFound, Expired, and InvalidRequest for an invalid cursor.
        """
        key = tuple_(TASKS.c.finished_at, TASKS.c.task_id)
        statement = select(TASKS).where(TASKS.c.job_id == job_id, IS_INCOMPLETE)
        if cursor:
            time, name = decode_cursor(cursor, TASK_ID)
            statement = statement.where(key < tuple_(time, UUID(name)))
        latest = statement.order_by(TASKS.c.finished_at.desc(), TASKS.c.task_id.desc())
        async with self.database.begin() as connection:
            await _get_job(connection, job_id)
            rows = (await connection.execute(latest.limit(limit + 1))).all()
            tasks = [Task.model_validate(row) for row in rows[:limit]]
            documents = await _documents(connection, [task.document_id for task in tasks])
        last = rows[limit - 1] if len(rows) > limit else None
        return CursorPage(
            [
                IncompleteTask(task, pages_failed(task, documents[task.document_id]))
                for task in tasks
            ],
            encode_cursor(last.finished_at, str(last.task_id)) if last else None,
        )


async def _get_job(connection: AsyncConnection, job_id: str) -> Row[Any]:
    """Returns the job's row. Raises NotFound, Expired."""
    job = (await connection.execute(select(JOBS).where(JOBS.c.job_id == job_id))).first()
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    if job.purged_at is not None:
        raise Expired
    return job


async def _documents(
    connection: AsyncConnection, ids: Sequence[str], lock: bool = False
) -> dict[str, Document]:
    """Returns the documents by id; with `lock`, locked in order of id to avoid deadlocks."""
    statement = select(DOCUMENTS).where(DOCUMENTS.c.document_id.in_(set(ids)))
    if lock:
        statement = statement.order_by(DOCUMENTS.c.document_id).with_for_update()
    rows = await connection.execute(statement)
    return {row.document_id: Document.model_validate(row) for row in rows}


# --- cancel


async def _cancel_batch(
    connection: AsyncConnection, job_id: str, keep_chunks: bool
) -> Cancelled | None:
    """Cancels a batch of open tasks; None if the job has no open task."""
    open_tasks = (TASKS.c.job_id == job_id, IS_OPEN)
    batch = select(TASKS.c.document_id).where(*open_tasks).order_by(IS_RUNNING.desc())
    ids = (await connection.execute(batch.limit(PAPERS_PER_TRANSACTION))).scalars().all()
    if not ids:
        return None
    documents = await _documents(connection, ids, lock=True)
    ended = await connection.execute(
        update(TASKS)
        .where(*open_tasks, TASKS.c.document_id.in_(documents))
        .values(**cancelled_now(cancelled_by(actor())))
        .returning(TASKS)
    )
    tasks = [Task.model_validate(row) for row in ended]
    shared = await _open_versions(connection, documents)
    outcomes = {
        (task.document_id, task.version): cancel_outcome(
            task,
            documents[task.document_id],
            is_shared=(task.document_id, task.version) in shared,
            keep_chunks=keep_chunks,
        )
        for task in tasks
    }
    await _write_cancel_outcomes(connection, outcomes)
    await close_if_done(connection, [job_id])
    unused = (CancelOutcome.AS_IS, CancelOutcome.CANCELLED)
    started = {(task.document_id, task.version) for task in tasks if task.lease_token}
    left_over = tuple(
        version for version, outcome in outcomes.items() if outcome in unused and version in started
    )
    await enqueue_deletions(connection, [VersionRange(name, v, v) for name, v in left_over])
    return Cancelled(len(tasks), left_over)


async def _open_versions(connection: AsyncConnection, documents: dict[str, Any]) -> set[Version]:
    """Returns the versions that have an open task, in any job."""
    statement = select(TASKS.c.document_id, TASKS.c.version)
    rows = await connection.execute(statement.where(TASKS.c.document_id.in_(documents), IS_OPEN))
    return {(row.document_id, row.version) for row in rows}


async def _write_cancel_outcomes(
    connection: AsyncConnection, outcomes: dict[Version, CancelOutcome]
) -> None:
    def documents_with(wanted: CancelOutcome) -> list[str]:
        return [document for (document, _), outcome in outcomes.items() if outcome is wanted]

    cancelled, kept = documents_with(CancelOutcome.CANCELLED), documents_with(CancelOutcome.KEPT)
    emptied = EMPTY_DOCUMENT | {"status": DocumentStatus.CANCELLED}
    for ids, values in ((cancelled, emptied), (kept, {"needs_review": True})):
        chosen = DOCUMENTS.c.document_id.in_(ids)
        await connection.execute(update(DOCUMENTS).where(chosen).values(**values))
    await connection.execute(delete(CITATIONS).where(CITATIONS.c.document_id.in_(cancelled)))


# --- retry


async def _retry_batch(
    connection: AsyncConnection, job: Row[Any], after: int
) -> tuple[int, int] | None:
    """Requeues a batch of tasks with ordinals above `after`.

    Returns the last ordinal of the batch and the number of requeued tasks; None at the end.
    """
    chosen = (TASKS.c.job_id == job.job_id, TASKS.c.ordinal > after, IS_RETRYABLE)
    batch = select(TASKS).where(*chosen).order_by(TASKS.c.ordinal).limit(PAPERS_PER_TRANSACTION)
    found = (await connection.execute(batch)).all()
    if not found:
        return None
    documents = await _documents(connection, [row.document_id for row in found], lock=True)
    # Reads the tasks again under the lock: of two concurrent retries, only one requeues them.
    ids = [row.task_id for row in found]
    locked = select(TASKS).where(TASKS.c.task_id.in_(ids), IS_RETRYABLE)
    rows = (await connection.execute(locked)).all()
    tasks = [Task.model_validate(row) for row in rows]
    steps = [(task, restart_step(task, documents[task.document_id])) for task in tasks]
    retryable = [(task, step) for task, step in steps if step is not None]
    versions = await _new_versions(connection, [task for task, _ in retryable], documents)
    for task, step in retryable:
        version = versions.get(task.document_id, documents[task.document_id].version)
        await _requeue(connection, task, step, version, LANE_OF_STEP.get(step) or job.lane)
    if retryable:
        await _reopen(connection, job.job_id)
    return found[-1].ordinal, len(retryable)


async def _requeue(
    connection: AsyncConnection, task: Task, step: Step, version: int, lane: str
) -> None:
    statement = update(TASKS).where(TASKS.c.task_id == task.task_id)
    await connection.execute(
        statement.values(
            status=TaskStatus.QUEUED,
            step=step,
            version=version,
            lane=lane,
            attempt=0,
            isolate=False,
            next_attempt_at=NOW,
            pages_done=0,
            finished_at=None,
            error=None,
            searchable_at=None if step is Step.READ_TEXT else task.searchable_at,
        )
    )


async def _new_versions(
    connection: AsyncConnection, tasks: Sequence[Task], documents: dict[str, Document]
) -> dict[str, int]:
    restarted, updated = set[str](), set[str]()
    for task in tasks:
        document = documents[task.document_id]
        if needs_new_version(task, document):
            (restarted if starts_over(document) else updated).add(task.document_id)
    return {
        **await next_version(connection, sorted(restarted), RESTARTED_DOCUMENT),
        **await next_version(connection, sorted(updated), {}),
    }


async def _reopen(connection: AsyncConnection, job_id: str) -> None:
    """Reopens the job: running, or queued if all its tasks are queued."""
    has_started = exists().where(TASKS.c.job_id == job_id, TASKS.c.status != TaskStatus.QUEUED)
    status = case((has_started, str(JobStatus.RUNNING)), else_=str(JobStatus.QUEUED))
    reopened = {"status": status, "finished_at": None, "cancel_requested": False}
    reopened |= {"acknowledged_at": None, "acknowledged_by": None}
    await connection.execute(update(JOBS).where(JOBS.c.job_id == job_id).values(**reopened))
