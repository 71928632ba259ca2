"""Applies the rule of a collection on several files of one work, in the transaction that ends a
step of reading one of them.

Such transactions of one collection run one after another, so that of two copies that are read at
the same time the second one sees the first. Collections that keep all files are not locked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import cast, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import Document, DocumentStatus
from domain.duplicate_rule import Replacement, applies, corrected, refusal, replacement
from domain.duplicates import Duplicates
from domain.errors import Failure
from domain.jobs import StepResult, Task
from domain.same_work import Work
from stores.postgres.admission import EMPTY_DOCUMENT
from stores.postgres.audit_log import Action, record_action
from stores.postgres.document_store import delete_documents
from stores.postgres.job_status import IS_OPEN
from stores.postgres.schema import DOCUMENTS, JOBS, TASKS
from stores.postgres.work_links import find_links

# In order of the name, so that two transactions never wait for each other.
LOCK_RULES = text("""
    SELECT name, duplicates, pg_advisory_xact_lock(hashtextextended('duplicates ' || name, 0))
    FROM (
        SELECT name, duplicates FROM collections
        WHERE name = ANY (:names) AND duplicates <> 'keep' ORDER BY name
    ) AS ruled
""")
FAILED_DOCUMENT = EMPTY_DOCUMENT | {"status": DocumentStatus.FAILED}


async def lock_rules(
    connection: AsyncConnection, collections: Collection[str]
) -> dict[str, Duplicates]:
    """Returns the rules of those of the collections that do not keep all files, and locks them."""
    rows = await connection.execute(LOCK_RULES, {"names": sorted(set(collections))})
    return {row.name: Duplicates(row.duplicates) for row in rows}


async def find_refusal(
    connection: AsyncConnection, task: Task, result: StepResult
) -> Failure | None:
    """Returns why the upload is refused, None if it is not: it is searchable or has no copy."""
    never_read = select(DOCUMENTS.c.corrections).where(
        DOCUMENTS.c.document_id == task.document_id, DOCUMENTS.c.artifact_key.is_(None)
    )
    document = (await connection.execute(never_read)).first()
    if document is None or not await _is_upload(connection, task, Duplicates.REFUSE):
        return None
    metadata = corrected(result.metadata, document.corrections)
    work = Work.of(task.document_id, task.collection, metadata)
    copies = await _copies(connection, work)
    return refusal(copies[0]) if copies else None


async def discard_document(connection: AsyncConnection, task: Task) -> None:
    """Marks the document of a refused task as failed. Its passages are deleted later."""
    of_task = (
        DOCUMENTS.c.document_id == task.document_id,
        DOCUMENTS.c.status.in_((DocumentStatus.PROCESSING, DocumentStatus.READY)),
        DOCUMENTS.c.latest_version == task.version,
    )
    await connection.execute(update(DOCUMENTS).where(*of_task).values(**FAILED_DOCUMENT))


async def replace_older(connection: AsyncConnection, task: Task) -> None:
    """Deletes the copies that the newest upload replaces, if the document has been read."""
    statement = select(DOCUMENTS).where(
        DOCUMENTS.c.document_id == task.document_id,
        DOCUMENTS.c.status == DocumentStatus.READY,
        DOCUMENTS.c.version == task.version,
    )
    row = (await connection.execute(statement)).first()
    if row is None or not await _is_upload(connection, task, Duplicates.NEWEST):
        return
    document = Document.model_validate(row)
    copies = await _copies(connection, Work.of(row.document_id, row.collection, document))
    unfinished = await _with_open_tasks(connection, [one.document_id for one in copies])
    if change := replacement(document, task.created_at, copies, unfinished):
        await _replace(connection, change, task.collection)


async def _is_upload(connection: AsyncConnection, task: Task, rule: Duplicates) -> bool:
    kind = select(JOBS.c.kind).where(JOBS.c.job_id == task.job_id)
    return applies(rule, (await connection.execute(kind)).scalar_one())


async def _copies(connection: AsyncConnection, work: Work) -> list[Document]:
    """Returns the searchable copies of the work, locked in order of id."""
    links = await find_links(connection, [work])
    of_copies = DOCUMENTS.c.document_id.in_(links[work.document_id].same_work_as)
    statement = select(DOCUMENTS).where(of_copies, DOCUMENTS.c.status == DocumentStatus.READY)
    locked = statement.order_by(DOCUMENTS.c.document_id).with_for_update()
    return [Document.model_validate(row) for row in await connection.execute(locked)]


async def _with_open_tasks(connection: AsyncConnection, document_ids: Collection[str]) -> set[str]:
    statement = select(TASKS.c.document_id).where(TASKS.c.document_id.in_(document_ids), IS_OPEN)
    return set((await connection.execute(statement)).scalars())


async def _replace(connection: AsyncConnection, change: Replacement, collection: str) -> None:
    values: dict[str, Any] = {"tags": list(change.tags), **change.columns}
    if change.columns:
        values["corrections"] = DOCUMENTS.c.corrections.op("||")(cast(change.columns, JSONB))
    kept = DOCUMENTS.c.document_id == change.document_id
    await connection.execute(update(DOCUMENTS).where(kept).values(**values))
    await delete_documents(connection, change.replaced)
    await record_action(
        connection,
        Action.REPLACE_DOCUMENT,
        *change.replaced,
        collection=collection,
        details={"by": change.document_id},
    )
