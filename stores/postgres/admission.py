"""Which document an upload becomes: a new one, one that is here already, or a new version of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import DocumentStatus, document_id
from domain.errors import Conflict
from domain.jobs import Admission, OnDuplicate, StepResult, Task, Upload
from domain.papers import Metadata
from stores.postgres.schema import DOCUMENTS

BeforeCommit = Callable[[], Awaitable[None]]
KEEP_ALIVE_SECONDS = 5.0
PRESENT = (DocumentStatus.READY, DocumentStatus.PROCESSING)

# One round trip makes the new rows and locks the old ones. Sorted by id, so that two requests with
# the same files wait for each other instead of deadlocking; xmax is 0 in a row made just now.
MAKE_OR_LOCK = text("""
    WITH collection AS (
        INSERT INTO collections (name) VALUES (:collection) ON CONFLICT DO NOTHING
    )
    INSERT INTO documents AS here (document_id, collection, sha256, filename, bytes)
    SELECT new.document_id, :collection, new.sha256, new.filename, new.bytes
    FROM unnest(
        CAST(:ids AS text[]), CAST(:digests AS text[]),
        CAST(:filenames AS text[]), CAST(:sizes AS bigint[])
    ) AS new (document_id, sha256, filename, bytes)
    ORDER BY new.document_id
    ON CONFLICT (document_id) DO UPDATE SET filename = CASE
        WHEN here.status IN ('ready', 'processing') THEN here.filename ELSE EXCLUDED.filename
    END
    RETURNING here.*, xmax = 0 AS is_new
""")

# What is known of a document that nobody can search.
EMPTY: dict[str, Any] = {
    **StepResult(Metadata(), pages=0, chunks=0).document_fields,
    "pages": None,
    "searchable_at": None,
}
# One that could not be searched starts over, as if it had just come.
STARTS_OVER: dict[str, Any] = {
    **EMPTY,
    "status": DocumentStatus.PROCESSING,
    "version": DOCUMENTS.c.latest_version + 1,
    "deleted_at": None,
}


@dataclass(frozen=True, slots=True)
class AdmissionTarget:
    """Where an upload belongs. `needs_work` is False when the document can be searched as it is."""

    document_id: str
    version: int
    needs_work: bool
    was_here: bool
    pages: int | None = None
    chunks: int = 0


async def nothing() -> None:
    """The callback of who has nothing to do before the commit."""


async def run_before_commit(connection: AsyncConnection, before_commit: BeforeCommit) -> None:
    """Awaits the callback in the middle of a transaction, however long files take to be stored.

    The server ends a transaction that is idle for `idle_in_transaction_seconds`; a statement now
    and then shows it that this one is not.
    """
    if before_commit is nothing:
        return
    storing = asyncio.ensure_future(before_commit())
    try:
        while not (await asyncio.wait({storing}, timeout=KEEP_ALIVE_SECONDS))[0]:
            await connection.execute(text("SELECT 1"))
        storing.result()
    finally:
        storing.cancel()


def replayed(task: Task) -> Admission:
    """The admission that made a task; one that ended without a start was a duplicate."""
    was_there = task.finished_at is not None and task.started_at is None
    duplicate_of = task.document_id if was_there else None
    return Admission(task.job_id, task.task_id, task.document_id, task.filename, duplicate_of)


def check_rejected(was_here: bool, document: str, upload: Upload, policy: OnDuplicate) -> None:
    """Raises Conflict when the document is here and the request said to reject duplicates."""
    if was_here and policy == OnDuplicate.REJECT:
        raise Conflict(
            f"{upload.filename!r} is in the collection already, as {document}. Nothing of this "
            "request was admitted: leave that file out, or send on_duplicate=return or reprocess."
        )


async def resolve_documents(
    connection: AsyncConnection,
    collection: str,
    uploads: Sequence[Upload],
    policy: OnDuplicate,
) -> list[AdmissionTarget]:
    """The place of each upload, in order; their documents are locked until the transaction ends.

    Of a file that comes twice, the second one is a duplicate of the first. Raises Conflict.
    """
    ids = [document_id(collection, upload.sha256) for upload in uploads]
    first = dict(zip(reversed(ids), reversed(uploads), strict=True))
    rows = await _make_or_lock(connection, collection, first)
    here = {name for name, row in rows.items() if not row.is_new and row.status in PRESENT}
    was_here = []
    for name, upload in zip(ids, uploads, strict=True):
        check_rejected(name in here, name, upload, policy)
        was_here.append(name in here)
        here.add(name)
    versions = await _versions(connection, list(rows.values()), policy)
    return [
        _place(rows[name], versions, policy, known)
        for name, known in zip(ids, was_here, strict=True)
    ]


async def still_known(
    connection: AsyncConnection, collection: str, uploads: Sequence[Upload]
) -> list[Upload]:
    """Those uploads whose document is in the collection and not deleted; it stays so until the
    transaction ends."""
    ids = [document_id(collection, upload.sha256) for upload in uploads]
    known = select(DOCUMENTS.c.document_id).where(
        DOCUMENTS.c.document_id.in_(ids), DOCUMENTS.c.status != DocumentStatus.DELETED
    )
    locked = known.order_by(DOCUMENTS.c.document_id).with_for_update()
    here = set((await connection.execute(locked)).scalars())
    return [upload for name, upload in zip(ids, uploads, strict=True) if name in here]


async def _make_or_lock(
    connection: AsyncConnection, collection: str, uploads: dict[str, Upload]
) -> dict[str, Row[Any]]:
    columns = {
        "ids": list(uploads),
        "digests": [upload.sha256 for upload in uploads.values()],
        "filenames": [upload.filename for upload in uploads.values()],
        "sizes": [upload.bytes for upload in uploads.values()],
    }
    rows = await connection.execute(MAKE_OR_LOCK, {"collection": collection, **columns})
    return {row.document_id: row for row in rows}


async def _versions(
    connection: AsyncConnection, rows: Sequence[Row[Any]], policy: OnDuplicate
) -> dict[str, int]:
    """The new version of each document that gets one."""
    again = [row.document_id for row in rows if row.status == DocumentStatus.READY]
    over = [row.document_id for row in rows if row.status not in PRESENT]
    versions: dict[str, int] = {}
    if again and policy == OnDuplicate.REPROCESS:
        versions |= await next_version(connection, again, {})
    if over:
        versions |= await next_version(connection, over, STARTS_OVER)
    return versions


async def next_version(
    connection: AsyncConnection, ids: Sequence[str], values: dict[str, Any]
) -> dict[str, int]:
    """The number of each document's new version; the documents get these values with it."""
    bumped = await connection.execute(
        update(DOCUMENTS)
        .where(DOCUMENTS.c.document_id.in_(ids))
        .values(latest_version=DOCUMENTS.c.latest_version + 1, **values)
        .returning(DOCUMENTS.c.document_id, DOCUMENTS.c.latest_version)
    )
    return {row.document_id: row.latest_version for row in bumped}


def _place(
    row: Row[Any], versions: dict[str, int], policy: OnDuplicate, was_here: bool
) -> AdmissionTarget:
    if row.status == DocumentStatus.READY and policy != OnDuplicate.REPROCESS:
        return AdmissionTarget(row.document_id, row.version, False, was_here, row.pages, row.chunks)
    name: str = row.document_id
    return AdmissionTarget(name, versions.get(name) or row.latest_version, True, was_here)
