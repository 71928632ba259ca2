"""What people tell a job to do: stop, take up what failed, say what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
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
    needs_new_version,
    pages_failed,
    restart_step,
    starts_over,
)
from domain.jobs import LANE_OF_STEP, CursorPage, JobStatus, Step, Task, TaskStatus
from stores.postgres.admission import EMPTY, STARTS_OVER, next_version
from stores.postgres.cursors import decode_cursor, encode_cursor
from stores.postgres.database import NOW, Database
from stores.postgres.deletion_queue import enqueue_deletions
from stores.postgres.job_status import CANCELLED_NOW, IS_OPEN, IS_RUNNING, close_if_done, fixed
from stores.postgres.schema import CITATIONS, DOCUMENTS, JOBS, TASKS

PAPERS_PER_TRANSACTION = 500

ITS_DOCUMENT = DOCUMENTS.c.document_id == TASKS.c.document_id
PAGES_FAILED = exists().where(
    ITS_DOCUMENT,
    DOCUMENTS.c.status == fixed(DocumentStatus.READY),
    DOCUMENTS.c.version == TASKS.c.version,
    func.jsonb_array_length(DOCUMENTS.c.quality["pages_failed"]) > 0,
)
FELL_SHORT = or_(
    TASKS.c.status == fixed(TaskStatus.FAILED),
    (TASKS.c.status == fixed(TaskStatus.COMPLETED)) & PAGES_FAILED,
)
TAKEN_UP = or_(TASKS.c.status == fixed(TaskStatus.CANCELLED), FELL_SHORT)


class JobControl:
    """Cancels and retries jobs. Any number of processes may use it at once."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def cancel(self, job_id: str, *, keep_chunks: bool = False) -> Cancelled:
        """What was ended: every open task of the job, those at work first; nothing more is
        admitted to it.

        Papers that are complete stay, and so does what could be searched before the job came. A
        paper that was read in part is cancelled with its task, unless `keep_chunks`: then what can
        be searched stays, marked for review. Doing it twice is harmless. Raises NotFound, Expired.
        """
        tasks, left_over = 0, list[Version]()
        await self._forbid_more(job_id)
        while True:
            async with self.database.begin() as connection:
                some = await _cancel_some(connection, job_id, keep_chunks)
            if some is None:
                return Cancelled(tasks, tuple(left_over))
            tasks += some.tasks
            left_over += some.left_over

    async def _forbid_more(self, job_id: str) -> None:
        async with self.database.begin() as connection:
            await _known(connection, job_id)
            job = (JOBS.c.job_id == job_id, JOBS.c.finished_at.is_(None))
            stop = update(JOBS).where(*job).values(cancel_requested=True, admitting_until=None)
            await connection.execute(stop)
            await close_if_done(connection, [job_id])

    async def retry(self, job_id: str) -> int:
        """Number of tasks queued again, with all their attempts: those that failed or were
        cancelled, and those of papers with pages that could not be read.

        Each goes on from its last checkpoint; a paper that cannot be searched starts over, as a new
        version. Papers that were deleted are left alone. Raises NotFound, Expired.
        """
        retried, after = 0, -1
        while True:
            async with self.database.begin() as connection:
                job = await _known(connection, job_id)
                some = await _retry_some(connection, job, after)
            if some is None:
                return retried
            after, count = some
            retried += count

    async def failures(
        self, job_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> CursorPage[IncompleteTask]:
        """Tasks that failed or left pages unread, the latest first.

        Raises NotFound, Expired, and InvalidRequest for a cursor that is none of ours.
        """
        place = tuple_(TASKS.c.finished_at, TASKS.c.task_id)
        statement = select(TASKS).where(TASKS.c.job_id == job_id, FELL_SHORT)
        if cursor:
            time, name = decode_cursor(cursor, TASK_ID)
            statement = statement.where(place < tuple_(time, UUID(name)))
        latest = statement.order_by(TASKS.c.finished_at.desc(), TASKS.c.task_id.desc())
        async with self.database.begin() as connection:
            await _known(connection, job_id)
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


async def _known(connection: AsyncConnection, job_id: str) -> Row[Any]:
    """The job's row. Raises NotFound, Expired."""
    job = (await connection.execute(select(JOBS).where(JOBS.c.job_id == job_id))).first()
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    if job.purged_at is not None:
        raise Expired
    return job


async def _documents(
    connection: AsyncConnection, ids: Sequence[str], lock: bool = False
) -> dict[str, Document]:
    """The documents by id; locked in order of id, so that nobody waits in a circle."""
    statement = select(DOCUMENTS).where(DOCUMENTS.c.document_id.in_(set(ids)))
    if lock:
        statement = statement.order_by(DOCUMENTS.c.document_id).with_for_update()
    rows = await connection.execute(statement)
    return {row.document_id: Document.model_validate(row) for row in rows}


# --- cancel


async def _cancel_some(
    connection: AsyncConnection, job_id: str, keep_chunks: bool
) -> Cancelled | None:
    """What was ended; None when no task of the job is open."""
    mine = (TASKS.c.job_id == job_id, IS_OPEN)
    some = select(TASKS.c.document_id).where(*mine).order_by(IS_RUNNING.desc())
    ids = (await connection.execute(some.limit(PAPERS_PER_TRANSACTION))).scalars().all()
    if not ids:
        return None
    documents = await _documents(connection, ids, lock=True)
    ended = await connection.execute(
        update(TASKS)
        .where(*mine, TASKS.c.document_id.in_(documents))
        .values(**CANCELLED_NOW)
        .returning(TASKS)
    )
    tasks = [Task.model_validate(row) for row in ended]
    shared = await _still_open(connection, documents)
    fates = {
        (task.document_id, task.version): cancel_outcome(
            task,
            documents[task.document_id],
            is_shared=(task.document_id, task.version) in shared,
            keep_chunks=keep_chunks,
        )
        for task in tasks
    }
    await _write_cancel_outcomes(connection, fates)
    await close_if_done(connection, [job_id])
    unwanted = (CancelOutcome.AS_IS, CancelOutcome.CANCELLED)
    began = {(task.document_id, task.version) for task in tasks if task.lease_token}
    left = tuple(one for one, fate in fates.items() if fate in unwanted and one in began)
    await enqueue_deletions(connection, [VersionRange(name, v, v) for name, v in left])
    return Cancelled(len(tasks), left)


async def _still_open(connection: AsyncConnection, documents: dict[str, Any]) -> set[Version]:
    """The versions that other jobs wait for."""
    statement = select(TASKS.c.document_id, TASKS.c.version)
    rows = await connection.execute(statement.where(TASKS.c.document_id.in_(documents), IS_OPEN))
    return {(row.document_id, row.version) for row in rows}


async def _write_cancel_outcomes(
    connection: AsyncConnection, fates: dict[Version, CancelOutcome]
) -> None:
    gone = [document for (document, _), fate in fates.items() if fate is CancelOutcome.CANCELLED]
    kept = [document for (document, _), fate in fates.items() if fate is CancelOutcome.KEPT]
    cancelled = EMPTY | {"status": DocumentStatus.CANCELLED}
    for ids, values in ((gone, cancelled), (kept, {"needs_review": True})):
        mine = DOCUMENTS.c.document_id.in_(ids)
        await connection.execute(update(DOCUMENTS).where(mine).values(**values))
    await connection.execute(delete(CITATIONS).where(CITATIONS.c.document_id.in_(gone)))


# --- retry


async def _retry_some(
    connection: AsyncConnection, job: Row[Any], after: int
) -> tuple[int, int] | None:
    """The ordinal of the last task looked at and how many were queued again; None at the end."""
    mine = (TASKS.c.job_id == job.job_id, TASKS.c.ordinal > after, TAKEN_UP)
    some = select(TASKS).where(*mine).order_by(TASKS.c.ordinal).limit(PAPERS_PER_TRANSACTION)
    found = (await connection.execute(some)).all()
    if not found:
        return None
    documents = await _documents(connection, [row.document_id for row in found], lock=True)
    still = select(TASKS).where(TASKS.c.task_id.in_([row.task_id for row in found]), TAKEN_UP)
    rows = (await connection.execute(still)).all()  # of two retries at once, one takes them up
    tasks = [Task.model_validate(row) for row in rows]
    steps = [(task, restart_step(task, documents[task.document_id])) for task in tasks]
    again = [(task, step) for task, step in steps if step is not None]
    versions = await _new_versions(connection, [task for task, _ in again], documents)
    for task, step in again:
        version = versions.get(task.document_id, documents[task.document_id].version)
        await _requeue(connection, task, step, version, LANE_OF_STEP.get(step) or job.lane)
    if again:
        await _reopen(connection, job.job_id)
    return found[-1].ordinal, len(again)


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
    over, more = set[str](), set[str]()
    for task in tasks:
        document = documents[task.document_id]
        if needs_new_version(task, document):
            (over if starts_over(document) else more).add(task.document_id)
    return {
        **await next_version(connection, sorted(over), STARTS_OVER),
        **await next_version(connection, sorted(more), {}),
    }


async def _reopen(connection: AsyncConnection, job_id: str) -> None:
    """The job runs again, or waits as if it had just come when none of its tasks has begun."""
    begun = exists().where(TASKS.c.job_id == job_id, TASKS.c.status != TaskStatus.QUEUED)
    status = case((begun, str(JobStatus.RUNNING)), else_=str(JobStatus.QUEUED))
    reopened = {"status": status, "finished_at": None, "cancel_requested": False}
    await connection.execute(update(JOBS).where(JOBS.c.job_id == job_id).values(**reopened))
