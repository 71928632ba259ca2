"""Updates the searchable versions of documents, in the transaction that updates their tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.deletions import VersionRange
from domain.documents import CORRECTABLE, DocumentStatus
from domain.jobs import Progress, StepResult, Task, TaskEnd
from domain.papers import Metadata
from stores.postgres.database import NOW
from stores.postgres.deletion_queue import enqueue_deletions
from stores.postgres.schema import CITATIONS, DOCUMENTS

CORRECTED_COLUMNS = {*CORRECTABLE, "title_key"}
FIELDS = tuple(StepResult(Metadata(""), pages=0, chunks=0).document_fields)


def _published(name: str) -> str:
    """Returns the assignment of a column: its corrected value, else that of the new version."""
    if name not in CORRECTED_COLUMNS:
        return f'"{name}" = new."{name}"'
    corrected = f"(jsonb_populate_record(documents, documents.corrections)).{name}"
    has_correction = f"jsonb_exists(documents.corrections, '{name}')"
    return f'"{name}" = CASE WHEN {has_correction} THEN {corrected} ELSE new."{name}" END'


CHANGES = ", ".join(map(_published, (*FIELDS, "version")))
# `:rows`: a JSON list of objects with the columns of documents.
PUBLISH = text(f"""
    UPDATE documents SET
        {CHANGES},
        status = 'ready',
        searchable_at = coalesce(documents.searchable_at, statement_timestamp())
    FROM jsonb_populate_recordset(CAST(NULL AS documents), CAST(:rows AS jsonb)) AS new
    WHERE documents.document_id = new.document_id
        AND documents.version <= new.version
        AND documents.status <> 'deleted'
    RETURNING documents.document_id
""")
SEARCHABLE_AT = func.coalesce(DOCUMENTS.c.searchable_at, NOW)


async def publish_all(connection: AsyncConnection, ends: Sequence[TaskEnd]) -> None:
    """Makes the versions of the tasks searchable.

    A version is skipped if a newer one is searchable or the document is deleted. Enqueues the
    deletion of versions that become obsolete.
    """
    if not ends:
        return
    rows = json.dumps([_document_row(task, result) for task, result in ends])
    published = set((await connection.execute(PUBLISH, {"rows": rows})).scalars())
    await _replace_citations(connection, [end for end in ends if end[0].document_id in published])
    obsolete = [
        versions
        for task, _ in ends
        for versions in _obsolete_versions(task, is_published=task.document_id in published)
    ]
    await enqueue_deletions(connection, obsolete)


def _document_row(task: Task, result: StepResult) -> dict[str, Any]:
    key = {"document_id": task.document_id, "version": task.version}
    return result.document_fields | key


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


def _obsolete_versions(task: Task, *, is_published: bool) -> list[VersionRange]:
    """Returns the versions that the end of the task makes obsolete: older ones, or its own."""
    if not is_published:
        return [VersionRange(task.document_id, task.version, task.version)]
    return [VersionRange(task.document_id, 0, task.version - 1)] if task.version > 1 else []


async def _replace_citations(connection: AsyncConnection, ends: Sequence[TaskEnd]) -> None:
    if not ends:
        return
    ids = [task.document_id for task, _ in ends]
    await connection.execute(delete(CITATIONS).where(CITATIONS.c.document_id.in_(ids)))
    rows = [
        asdict(citation) | {"document_id": task.document_id, "collection": task.collection}
        for task, result in ends
        for citation in result.cited
    ]
    if rows:
        await connection.execute(insert(CITATIONS), rows)
