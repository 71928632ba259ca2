"""The queue of deletions in PostgreSQL: a transactional outbox for the other two stores.

A row is inserted by the transaction that makes versions obsolete, and removed when the vector store
and the blob store have erased them. While one of these is away, the row stays.
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
    .limit(bindparam("most"))
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
    """The ranges are erased after this transaction's commit.

    `pdf_of` gives the digest of the PDF for each document that is deleted as a whole.
    """
    digests = pdf_of or {}
    rows = [
        {
            "document_id": one.document_id,
            "from_version": one.first,
            "to_version": one.last,
            "sha256": digests.get(one.document_id),
        }
        for one in ranges
    ]
    if rows:
        await connection.execute(insert(DELETIONS), rows)


async def enqueue_if_unwanted(connection: AsyncConnection, document_id: str, version: int) -> bool:
    """True when nobody shows or awaits that version: it is erased after the commit.

    A retry of what failed or was cancelled writes another version (`needs_new_version`).
    """
    if await _wanted(connection, document_id, version):
        return False
    await enqueue_deletions(connection, [VersionRange(document_id, version, version)])
    return True


class DeletionQueue:
    """Hands out deletions that are due. Any number of processes may use it at once."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def claim(self, limit: int, hide_seconds: float) -> list[StoreDeletion]:
        """At most `limit` deletions, the longest due first.

        They are due again `hide_seconds` from now unless `complete` removes them before.
        """
        async with self.database.begin() as connection:
            rows = await connection.execute(CLAIM, {"most": limit, "hidden": hide_seconds})
            return sorted(map(_deletion, rows), key=lambda one: one.deletion_id)

    async def complete(self, deletion_ids: Sequence[int]) -> None:
        """These deletions are done. Saying it twice is harmless."""
        done = delete(DELETIONS).where(DELETIONS.c.deletion_id.in_(deletion_ids))
        async with self.database.single() as connection:
            await connection.execute(done)

    async def waiting(self) -> int:
        """Number of deletions that are not done yet."""
        async with self.database.single() as connection:
            return (
                await connection.execute(select(func.count()).select_from(DELETIONS))
            ).scalar_one()

    async def discard_unwanted(self, document_id: str, version: int) -> bool:
        """True when nobody shows or awaits that version: it is erased.

        The document is locked meanwhile, so a retry or an upload cannot begin between the look
        and the insert.
        """
        lock = select(DOCUMENTS.c.document_id).where(DOCUMENTS.c.document_id == document_id)
        async with self.database.begin() as connection:
            await connection.execute(lock.with_for_update())
            return await enqueue_if_unwanted(connection, document_id, version)

    async def pdfs_in_use(self, digests: Collection[str]) -> set[str]:
        """Those digests that a document uses which is not deleted."""
        if not digests:
            return set()
        users = select(DOCUMENTS.c.sha256).where(
            DOCUMENTS.c.sha256.in_(digests), DOCUMENTS.c.status != DocumentStatus.DELETED
        )
        async with self.database.single() as connection:
            return set((await connection.execute(users)).scalars())


async def _wanted(connection: AsyncConnection, document_id: str, version: int) -> bool:
    shown = exists().where(
        DOCUMENTS.c.document_id == document_id,
        DOCUMENTS.c.version == version,
        DOCUMENTS.c.status == DocumentStatus.READY,
    )
    awaited = exists().where(
        TASKS.c.document_id == document_id, TASKS.c.version == version, IS_OPEN
    )
    return (await connection.execute(select(shown | awaited))).scalar_one()


def _deletion(row: Any) -> StoreDeletion:
    versions = VersionRange(row.document_id, row.from_version, row.to_version)
    return StoreDeletion(row.deletion_id, versions, row.sha256)
