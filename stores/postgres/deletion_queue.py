"""The queue of deletions in PostgreSQL: a transactional outbox for the other two stores.

The transaction that makes versions obsolete inserts a row. The row is removed after the vector
store and the blob store have deleted these versions. While one of them is unavailable, it stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.deletions import StoreDeletion, VersionRange
from domain.documents import DocumentStatus
from stores.postgres.database import NOW, Database, seconds
from stores.postgres.job_status import IS_OPEN
from stores.postgres.schema import DELETIONS, DOCUMENTS, TASKS

DUE = (
    select(DELETIONS.c.deletion_id)
    .where(DELETIONS.c.due_at <= NOW)
    .order_by(DELETIONS.c.due_at)
    .limit(bindparam("batch_size"))
    .with_for_update(skip_locked=True)
)
CLAIM = (
    update(DELETIONS)
    .where(DELETIONS.c.deletion_id.in_(DUE.scalar_subquery()))
    .values(due_at=NOW + seconds(bindparam("hidden")))
    .returning(DELETIONS)
)


async def enqueue_deletions(
    connection: AsyncConnection,
    ranges: Iterable[VersionRange],
    pdf_of: Mapping[str, str] | None = None,
) -> None:
    """Enqueues the deletion of version ranges, as part of the current transaction.

    `pdf_of` maps the id of each document that is deleted entirely to the digest of its PDF.
    """
    digests = pdf_of or {}
    rows = [
        {
            "document_id": versions.document_id,
            "from_version": versions.first,
            "to_version": versions.last,
            "sha256": digests.get(versions.document_id),
        }
        for versions in ranges
    ]
    if rows:
        await connection.execute(insert(DELETIONS), rows)


async def enqueue_if_unused(connection: AsyncConnection, document_id: str, version: int) -> bool:
    """Enqueues the deletion of a version that is neither searchable nor has an open task.

    Returns True if it was enqueued. A retry of a failed or cancelled task writes another version
    (`needs_new_version`).
    """
    if await _is_in_use(connection, document_id, version):
        return False
    await enqueue_deletions(connection, [VersionRange(document_id, version, version)])
    return True


class DeletionQueue:
    """Leases due deletions to workers. Safe for concurrent use by several processes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def claim(self, limit: int, hide_seconds: float) -> list[StoreDeletion]:
        """Claims at most `limit` due deletions, the longest due first; returns them by id.

        They become due again after `hide_seconds` (visibility timeout) unless `complete` removes
        them before.
        """
        async with self.database.begin() as connection:
            rows = await connection.execute(CLAIM, {"batch_size": limit, "hidden": hide_seconds})
            return sorted(map(_deletion, rows), key=lambda deletion: deletion.deletion_id)

    async def complete(self, deletion_ids: Sequence[int]) -> None:
        """Removes completed deletions from the queue. Idempotent."""
        statement = delete(DELETIONS).where(DELETIONS.c.deletion_id.in_(deletion_ids))
        async with self.database.single() as connection:
            await connection.execute(statement)

    async def waiting(self) -> int:
        """Returns the number of deletions in the queue."""
        async with self.database.single() as connection:
            return (
                await connection.execute(select(func.count()).select_from(DELETIONS))
            ).scalar_one()

    async def discard_if_unused(self, document_id: str, version: int) -> bool:
        """Enqueues the deletion of a version that is neither searchable nor has an open task.

        Returns True if it was enqueued. Locks the document, so that no retry or upload can start
        between the check and the insert.
        """
        lock = select(DOCUMENTS.c.document_id).where(DOCUMENTS.c.document_id == document_id)
        async with self.database.begin() as connection:
            await connection.execute(lock.with_for_update())
            return await enqueue_if_unused(connection, document_id, version)

    async def pdfs_in_use(self, digests: Collection[str]) -> set[str]:
        """Returns those of the digests whose PDF belongs to a document that is not deleted."""
        if not digests:
            return set()
        users = select(DOCUMENTS.c.sha256).where(
            DOCUMENTS.c.sha256.in_(digests), DOCUMENTS.c.status != DocumentStatus.DELETED
        )
        async with self.database.single() as connection:
            return set((await connection.execute(users)).scalars())


async def _is_in_use(connection: AsyncConnection, document_id: str, version: int) -> bool:
    searchable = exists().where(
        DOCUMENTS.c.document_id == document_id,
        DOCUMENTS.c.version == version,
        DOCUMENTS.c.status == DocumentStatus.READY,
    )
    has_task = exists().where(
        TASKS.c.document_id == document_id, TASKS.c.version == version, IS_OPEN
    )
    return (await connection.execute(select(searchable | has_task))).scalar_one()


def _deletion(row: Any) -> StoreDeletion:
    versions = VersionRange(row.document_id, row.from_version, row.to_version)
    return StoreDeletion(row.deletion_id, versions, row.sha256)
