"""Updates the searchable version of a document, in the transaction that updates its task."""

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
    """Makes the task's version searchable, unless a newer one is or the document is deleted.

    Enqueues the deletion of versions that become obsolete.
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
    obsolete = _older_versions(task) if published.rowcount else [_version_of(task)]
    await enqueue_deletions(connection, obsolete)


async def publish_partial(connection: AsyncConnection, task: Task, progress: Progress) -> None:
    """Makes the processed part of a document searchable if no version is searchable yet."""
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
    """Marks the document as failed; a searchable document is marked for review instead."""
    for version, status, values in (
        (DOCUMENTS.c.latest_version, DocumentStatus.PROCESSING, {"status": DocumentStatus.FAILED}),
        (DOCUMENTS.c.version, DocumentStatus.READY, {"needs_review": True}),
    ):
        of_task = DOCUMENTS.c.document_id == task.document_id
        chosen = (of_task, version == task.version, DOCUMENTS.c.status == status)
        await connection.execute(update(DOCUMENTS).where(*chosen).values(**values))


def _version_of(task: Task) -> VersionRange:
    return VersionRange(task.document_id, task.version, task.version)


def _older_versions(task: Task) -> list[VersionRange]:
    return [VersionRange(task.document_id, 0, task.version - 1)] if task.version > 1 else []


async def _replace_citations(connection: AsyncConnection, task: Task, result: StepResult) -> None:
    keys = {"document_id": task.document_id, "collection": task.collection}
    old = delete(CITATIONS).where(CITATIONS.c.document_id == task.document_id)
    await connection.execute(old)
    if result.cited:
        rows = [asdict(citation) | keys for citation in result.cited]
        await connection.execute(insert(CITATIONS), rows)
