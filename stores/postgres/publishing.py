"""What searches show of a document: written in the transaction that moves its task."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import delete, func, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.deletions import VersionRange
from domain.documents import DocumentStatus
from domain.jobs import Progress, StepResult, Task
from stores.postgres.database import NOW
from stores.postgres.deletion_queue import enqueue_deletions
from stores.postgres.schema import CITATIONS, DOCUMENTS

SEARCHABLE_AT = func.coalesce(DOCUMENTS.c.searchable_at, NOW)


async def publish(connection: AsyncConnection, task: Task, result: StepResult) -> None:
    """The task's version is the active one, unless a newer one is or the document is gone.

    Versions that are obsolete by that go into the deletion queue.
    """
    published = await connection.execute(
        update(DOCUMENTS)
        .where(
            DOCUMENTS.c.document_id == task.document_id,
            DOCUMENTS.c.version <= task.version,
            DOCUMENTS.c.status != DocumentStatus.DELETED,
        )
        .values(
            **result.document_fields,
            status=DocumentStatus.READY,
            version=task.version,
            searchable_at=SEARCHABLE_AT,
        )
    )
    if published.rowcount:
        await _replace_citations(connection, task, result)
    obsolete = _older(task) if published.rowcount else [_own(task)]
    await enqueue_deletions(connection, obsolete)


async def publish_partial(connection: AsyncConnection, task: Task, progress: Progress) -> None:
    """A document that nobody could search yet is shown while the rest of it is still read."""
    await connection.execute(
        update(DOCUMENTS)
        .where(
            DOCUMENTS.c.document_id == task.document_id,
            DOCUMENTS.c.latest_version == task.version,
            DOCUMENTS.c.status == DocumentStatus.PROCESSING,
        )
        .values(
            status=DocumentStatus.READY,
            version=task.version,
            pages=progress.pages_total,
            chunks=progress.chunks_done or 0,
            searchable_at=SEARCHABLE_AT,
        )
    )


async def mark_failed(connection: AsyncConnection, task: Task) -> None:
    """A document that nobody can search is failed; one that is shown needs a look instead."""
    for version, status, values in (
        (DOCUMENTS.c.latest_version, DocumentStatus.PROCESSING, {"status": DocumentStatus.FAILED}),
        (DOCUMENTS.c.version, DocumentStatus.READY, {"needs_review": True}),
    ):
        mine = DOCUMENTS.c.document_id == task.document_id
        found = (mine, version == task.version, DOCUMENTS.c.status == status)
        await connection.execute(update(DOCUMENTS).where(*found).values(**values))


def _own(task: Task) -> VersionRange:
    return VersionRange(task.document_id, task.version, task.version)


def _older(task: Task) -> list[VersionRange]:
    return [VersionRange(task.document_id, 0, task.version - 1)] if task.version > 1 else []


async def _replace_citations(connection: AsyncConnection, task: Task, result: StepResult) -> None:
    mine = {"document_id": task.document_id, "collection": task.collection}
    old = delete(CITATIONS).where(CITATIONS.c.document_id == task.document_id)
    await connection.execute(old)
    if result.cited:
        await connection.execute(insert(CITATIONS), [asdict(one) | mine for one in result.cited])
