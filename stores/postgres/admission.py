"""Admission: maps uploads to documents and creates a job with one task per upload.

An upload becomes a new document, a duplicate of an existing one, or a new version of it. The rule
has two implementations in SQL, in two styles:

* `resolve_documents` and `create_tasks` cover all cases. They are SQLAlchemy statements of one
  transaction, because they lock documents, run a callback before the commit, and compose with
  other statements.
* `admit_new` covers the frequent case that all documents are new. It is a single asyncpg statement
  with `$n` parameters: one round trip and 0.1 ms for a prepared statement, where SQLAlchemy takes
  0.6 ms to build it. It makes up most of the latency of an upload's response. If any document
  exists, it changes nothing, and the caller falls back to the transaction.

`tests/stores` runs the same tests on both.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import Row, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import DocumentStatus, document_id
from domain.errors import Conflict
from domain.fair_share import flow_of
from domain.jobs import Admission, Lane, OnDuplicate, StepResult, Task, Upload, new_job_id
from domain.papers import Metadata
from stores.postgres.audit_log import actor
from stores.postgres.database import Database
from stores.postgres.job_status import close_if_done, lock_jobs
from stores.postgres.schema import DOCUMENTS, TASKS

BeforeCommit = Callable[[], Awaitable[None]]
KEEP_ALIVE_SECONDS = 5.0
LIVE_STATUSES = (DocumentStatus.READY, DocumentStatus.PROCESSING)

# One round trip: inserts new rows and locks existing ones. Ordered by id, so that two concurrent
# requests with the same files block each other instead of deadlocking. xmax is 0 in inserted rows.
INSERT_OR_LOCK_DOCUMENTS = text("""
    WITH collection AS (
        INSERT INTO collections (name) VALUES (:collection) ON CONFLICT DO NOTHING
    )
    INSERT INTO documents AS existing (document_id, collection, sha256, filename, bytes)
    SELECT new.document_id, :collection, new.sha256, new.filename, new.bytes
    FROM unnest(
        CAST(:ids AS text[]), CAST(:digests AS text[]),
        CAST(:filenames AS text[]), CAST(:sizes AS bigint[])
    ) AS new (document_id, sha256, filename, bytes)
    ORDER BY new.document_id
    ON CONFLICT (document_id) DO UPDATE SET filename = CASE
        WHEN existing.status IN ('ready', 'processing') THEN existing.filename
        ELSE EXCLUDED.filename
    END
    RETURNING existing.*, xmax = 0 AS is_new
""")

# One round trip. The task of a duplicate whose document is searchable is inserted as completed.
INSERT_JOB_AND_TASKS = text("""
    WITH job AS (
        INSERT INTO jobs AS existing (job_id, kind, lane, collection, admitting_until)
        VALUES (
            :job_id, :kind, :lane, :collection,
            statement_timestamp() + make_interval(secs => CAST(:waits_seconds AS float))
        )
        ON CONFLICT (job_id) DO UPDATE SET admitting_until = EXCLUDED.admitting_until
        WHERE existing.finished_at IS NULL
    ), audit AS (
        INSERT INTO audit_log (actor, action, subject, collection, details)
        SELECT
            :actor, 'upload', :job_id, :collection,
            jsonb_build_object('kind', CAST(:kind AS text), 'files', count(*))
        FROM unnest(CAST(:task_ids AS uuid[])) HAVING count(*) > 0
    )
    INSERT INTO tasks (
        task_id, job_id, ordinal, document_id, collection, version, sha256, filename, lane, flow,
        urgent, max_attempts, status, pages_done, pages_total, chunks_done, chunks_total,
        searchable_at, finished_at
    )
    SELECT
        new.task_id, :job_id, :first + new.place - 1, new.document_id, :collection, new.version,
        new.sha256, new.filename, :lane, :flow, :lane = 'interactive', :max_attempts,
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

# All or nothing: if one of the documents exists, `new` is empty and nothing is inserted.
INSERT_ALL_NEW = """
    WITH new AS (
        SELECT * FROM unnest($6::uuid[], $7::text[], $8::text[], $9::text[], $10::bigint[])
        WITH ORDINALITY AS new (task_id, document_id, sha256, filename, bytes, place)
        WHERE NOT EXISTS (SELECT FROM documents WHERE document_id = ANY ($7))
    ), collection AS (
        INSERT INTO collections (name) SELECT $2 FROM new LIMIT 1 ON CONFLICT DO NOTHING
    ), inserted AS (
        INSERT INTO documents (document_id, collection, sha256, filename, bytes)
        SELECT document_id, $2, sha256, filename, bytes FROM new ORDER BY document_id
    ), job AS (
        INSERT INTO jobs (job_id, kind, lane, collection) SELECT $1, $3, $4, $2 FROM new LIMIT 1
    ), audit AS (
        INSERT INTO audit_log (actor, action, subject, collection, details)
        SELECT $12, 'upload', $1, $2, jsonb_build_object('kind', $3::text, 'files', count(*))
        FROM new HAVING count(*) > 0
    )
    INSERT INTO tasks (
        task_id, job_id, ordinal, document_id, collection, version, sha256, filename, lane, flow,
        urgent, max_attempts
    )
    SELECT
        task_id, $1, place - 1, document_id, $2, 1, sha256, filename, $4, $11, $4 = 'interactive',
        $5
    FROM new
    RETURNING task_id
"""

# Column values of a document without a searchable version.
EMPTY_DOCUMENT: dict[str, Any] = {
    **StepResult(Metadata(), pages=0, chunks=0).document_fields,
    "pages": None,
    "searchable_at": None,
}
# Column values of a failed, cancelled or deleted document that is processed again from scratch.
RESTARTED_DOCUMENT: dict[str, Any] = {
    **EMPTY_DOCUMENT,
    "status": DocumentStatus.PROCESSING,
    "version": DOCUMENTS.c.latest_version + 1,
    "deleted_at": None,
}


@dataclass(frozen=True, slots=True)
class AdmissionTarget:
    """The document version of an upload.

    `needs_work` is False if the document is searchable already. `is_duplicate` is True if the
    document existed before. `pages` and `chunks` are those of a searchable document.
    """

    document_id: str
    version: int
    needs_work: bool
    is_duplicate: bool
    pages: int | None = None
    chunks: int = 0


async def no_callback() -> None:
    """Default of `before_commit`: does nothing."""


async def run_before_commit(connection: AsyncConnection, before_commit: BeforeCommit) -> None:
    """Awaits the callback inside the transaction, however long it takes to store the files.

    The server aborts a transaction that is idle for `idle_in_transaction_seconds`. A statement
    every KEEP_ALIVE_SECONDS prevents that.
    """
    if before_commit is no_callback:
        return
    callback = asyncio.ensure_future(before_commit())
    try:
        while not (await asyncio.wait({callback}, timeout=KEEP_ALIVE_SECONDS))[0]:
            await connection.execute(text("SELECT 1"))
        callback.result()
    finally:
        callback.cancel()


def admission_of(task: Task) -> Admission:
    """Returns the admission that created the task, for a repeated request.

    A task that finished without being started was a duplicate.
    """
    is_duplicate = task.finished_at is not None and task.started_at is None
    duplicate_of = task.document_id if is_duplicate else None
    return Admission(task.job_id, task.task_id, task.document_id, task.filename, duplicate_of)


def check_duplicate(is_duplicate: bool, document: str, upload: Upload, policy: OnDuplicate) -> None:
    """Raises Conflict for a duplicate if the policy is REJECT."""
    if is_duplicate and policy == OnDuplicate.REJECT:
        raise Conflict(
            f"{upload.filename!r} is in the collection already, as {document}. Nothing of this "
            "request was admitted: leave that file out, or send on_duplicate=return or reprocess."
        )


async def admit_new(
    database: Database,
    collection: str,
    uploads: Sequence[Upload],
    kind: str,
    lane: Lane,
    max_attempts: int,
) -> list[Admission]:
    """Admits uploads that are all new, in one statement. Returns the admissions in order.

    Returns [] and changes nothing if one of the documents exists or a file occurs twice; the caller
    then uses `resolve_documents` and `create_tasks`.
    """
    try:
        async with database.driver() as connection:
            return await _insert_all_new(connection, collection, uploads, kind, lane, max_attempts)
    except asyncpg.UniqueViolationError:  # race: another request with the same bytes was first
        return []


async def prepare_admission(connection: asyncpg.Connection) -> None:
    """Admits no uploads, after which the server has parsed and planned the statement."""
    await _insert_all_new(connection, "", [], "", Lane.INTERACTIVE, 1)


async def _insert_all_new(
    connection: asyncpg.Connection,
    collection: str,
    uploads: Sequence[Upload],
    kind: str,
    lane: Lane,
    max_attempts: int,
) -> list[Admission]:
    documents = [document_id(collection, upload.sha256) for upload in uploads]
    if len(set(documents)) < len(documents):
        return []
    job_id, tasks = new_job_id(), [uuid.uuid4() for _ in uploads]
    digests = [upload.sha256 for upload in uploads]
    names = [upload.filename for upload in uploads]
    sizes = [upload.bytes for upload in uploads]
    job = (job_id, collection, kind, lane, max_attempts)
    flow = flow_of(job_id, lane, len(uploads))
    columns = (tasks, documents, digests, names, sizes, flow, actor())
    inserted = await connection.fetch(INSERT_ALL_NEW, *job, *columns)
    admissions = map(Admission, [job_id] * len(uploads), tasks, documents, names)
    return list(admissions) if inserted else []


async def resolve_documents(
    connection: AsyncConnection,
    collection: str,
    uploads: Sequence[Upload],
    policy: OnDuplicate,
) -> list[AdmissionTarget]:
    """Returns the target of each upload, in order; locks the documents until the commit.

    Creates missing documents and opens new versions according to `policy`. If a file occurs twice,
    the second one is a duplicate of the first. Raises Conflict.
    """
    ids = [document_id(collection, upload.sha256) for upload in uploads]
    first = dict(zip(reversed(ids), reversed(uploads), strict=True))
    rows = await _insert_or_lock(connection, collection, first)
    known = {name for name, row in rows.items() if not row.is_new and row.status in LIVE_STATUSES}
    duplicates = []
    for name, upload in zip(ids, uploads, strict=True):
        check_duplicate(name in known, name, upload, policy)
        duplicates.append(name in known)
        known.add(name)
    versions = await _open_versions(connection, list(rows.values()), policy)
    return [
        _target(rows[name], versions, policy, is_duplicate)
        for name, is_duplicate in zip(ids, duplicates, strict=True)
    ]


async def filter_known(
    connection: AsyncConnection, collection: str, uploads: Sequence[Upload]
) -> list[Upload]:
    """Returns the uploads whose document exists and is not deleted; locks these documents."""
    ids = [document_id(collection, upload.sha256) for upload in uploads]
    known = select(DOCUMENTS.c.document_id).where(
        DOCUMENTS.c.document_id.in_(ids), DOCUMENTS.c.status != DocumentStatus.DELETED
    )
    locked = known.order_by(DOCUMENTS.c.document_id).with_for_update()
    found = set((await connection.execute(locked)).scalars())
    return [upload for name, upload in zip(ids, uploads, strict=True) if name in found]


async def create_tasks(
    connection: AsyncConnection,
    job: dict[str, Any],
    uploads: Sequence[Upload],
    targets: Sequence[AdmissionTarget],
) -> list[Admission]:
    """Inserts a task for each upload, and the job if it does not exist; returns the admissions.

    `job` holds the job's parameters of INSERT_JOB_AND_TASKS. Closes the job if no task needs work.
    """
    task_ids = [uuid.uuid4() for _ in uploads]
    tasks = _task_columns(task_ids, uploads, targets)
    await connection.execute(INSERT_JOB_AND_TASKS, {**job, **tasks, "actor": actor()})
    if not any(target.needs_work for target in targets):  # else the job has an open task
        await close_if_done(connection, [job["job_id"]])
    rows = zip(task_ids, uploads, targets, strict=True)
    return [_admission(job["job_id"], *row) for row in rows]


async def next_ordinal(connection: AsyncConnection, job_id: str, uploads: Sequence[Upload]) -> int:
    """Returns the ordinal of the job's next task; locks the job, so that it cannot end meanwhile.

    Raises Conflict if there are uploads and the job was cancelled or has ended.
    """
    for job in await lock_jobs(connection, [job_id]):
        if uploads and job.cancel_requested:
            raise Conflict(f"Job {job_id} was cancelled; nothing more is admitted to it.")
        if uploads and job.finished_at is not None:
            raise Conflict(f"Job {job_id} has ended; leave job_id out to start a new one.")
    highest = select(func.coalesce(func.max(TASKS.c.ordinal), -1)).where(TASKS.c.job_id == job_id)
    return (await connection.execute(highest)).scalar_one() + 1


async def next_version(
    connection: AsyncConnection, ids: Sequence[str], values: dict[str, Any]
) -> dict[str, int]:
    """Opens a new version of each document and sets `values`; returns the version numbers by id."""
    updated = await connection.execute(
        update(DOCUMENTS)
        .where(DOCUMENTS.c.document_id.in_(ids))
        .values(latest_version=DOCUMENTS.c.latest_version + 1, **values)
        .returning(DOCUMENTS.c.document_id, DOCUMENTS.c.latest_version)
    )
    return {row.document_id: row.latest_version for row in updated}


async def _insert_or_lock(
    connection: AsyncConnection, collection: str, uploads: dict[str, Upload]
) -> dict[str, Row[Any]]:
    columns = {
        "ids": list(uploads),
        "digests": [upload.sha256 for upload in uploads.values()],
        "filenames": [upload.filename for upload in uploads.values()],
        "sizes": [upload.bytes for upload in uploads.values()],
    }
    parameters = {"collection": collection, **columns}
    rows = await connection.execute(INSERT_OR_LOCK_DOCUMENTS, parameters)
    return {row.document_id: row for row in rows}


async def _open_versions(
    connection: AsyncConnection, rows: Sequence[Row[Any]], policy: OnDuplicate
) -> dict[str, int]:
    """Opens new versions where required; returns their numbers by document id."""
    ready = [row.document_id for row in rows if row.status == DocumentStatus.READY]
    ended = [row.document_id for row in rows if row.status not in LIVE_STATUSES]
    versions: dict[str, int] = {}
    if ready and policy == OnDuplicate.REPROCESS:
        versions |= await next_version(connection, ready, {})
    if ended:
        versions |= await next_version(connection, ended, RESTARTED_DOCUMENT)
    return versions


def _target(
    row: Row[Any], versions: dict[str, int], policy: OnDuplicate, is_duplicate: bool
) -> AdmissionTarget:
    name: str = row.document_id
    if row.status == DocumentStatus.READY and policy != OnDuplicate.REPROCESS:
        return AdmissionTarget(name, row.version, False, is_duplicate, row.pages, row.chunks)
    return AdmissionTarget(name, versions.get(name) or row.latest_version, True, is_duplicate)


def _task_columns(
    task_ids: Sequence[uuid.UUID], uploads: Sequence[Upload], targets: Sequence[AdmissionTarget]
) -> dict[str, list[Any]]:
    return {
        "task_ids": list(task_ids),
        "documents": [target.document_id for target in targets],
        "versions": [target.version for target in targets],
        "digests": [upload.sha256 for upload in uploads],
        "filenames": [upload.filename for upload in uploads],
        "done": [not target.needs_work for target in targets],
        "pages": [target.pages for target in targets],
        "chunks": [None if target.needs_work else target.chunks for target in targets],
    }


def _admission(
    job_id: str, task_id: uuid.UUID, upload: Upload, target: AdmissionTarget
) -> Admission:
    duplicate_of = target.document_id if target.is_duplicate else None
    return Admission(job_id, task_id, target.document_id, upload.filename, duplicate_of)
