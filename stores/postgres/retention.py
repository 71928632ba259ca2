"""Removes records that nothing refers to any more, so that the tables hold no more than their use.

A tombstone keeps the version number of a deleted paper growing: chunks and artifacts of old
versions must never be taken for those of a new one. Tombstones go only after the stores were
compared and every orphan was deleted, and no earlier than months after the last write of a worker,
whose lease is seconds long.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from datetime import timedelta

from sqlalchemy import delete, exists, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import DocumentStatus
from stores.postgres.database import NOW, Database
from stores.postgres.schema import CITATIONS, COLLECTIONS, DOCUMENTS, EVENTS, JOBS, TASKS

Remove = Callable[[AsyncConnection, timedelta], Awaitable[int]]
ROWS_AT_ONCE = 1000
LOCK_SECONDS = 2  # uploads wait for so long at most


@dataclass(slots=True)
class Removed:
    """How many records are gone."""

    tombstones: int = 0
    jobs: int = 0
    collections: int = 0

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(getattr(self, one.name) for one in fields(self))


async def remove_old_records(database: Database, days: float) -> Removed:
    """Records of papers deleted, jobs cleaned up and collections left empty `days` ago are gone.

    An Idempotency-Key of such a job starts a new one. Raises DatabaseUnavailable.
    """
    age, removed = timedelta(days=days), Removed()
    while count := await _some(database, _remove_tombstones, age):
        removed.tombstones += count
    while count := await _some(database, _remove_jobs, age):
        removed.jobs += count
    removed.collections = await _some(database, _remove_collections, age)
    return removed


async def _some(database: Database, remove: Remove, age: timedelta) -> int:
    async with database.begin() as connection:
        return await remove(connection, age)


async def _remove_tombstones(connection: AsyncConnection, age: timedelta) -> int:
    old = (
        select(DOCUMENTS.c.document_id)
        .where(
            DOCUMENTS.c.status == DocumentStatus.DELETED,
            DOCUMENTS.c.deleted_at < NOW - age,
            ~exists().where(TASKS.c.document_id == DOCUMENTS.c.document_id),
        )
        .limit(ROWS_AT_ONCE)
        .with_for_update(skip_locked=True)  # an upload of the same bytes locks it as well
    )
    names = (await connection.execute(old)).scalars().all()
    await connection.execute(delete(CITATIONS).where(CITATIONS.c.document_id.in_(names)))
    await connection.execute(delete(DOCUMENTS).where(DOCUMENTS.c.document_id.in_(names)))
    return len(names)


async def _remove_jobs(connection: AsyncConnection, age: timedelta) -> int:
    old = (
        select(JOBS.c.job_id)
        .where(
            JOBS.c.purged_at < NOW - age,
            ~exists().where(TASKS.c.job_id == JOBS.c.job_id),
        )
        .limit(ROWS_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    names = (await connection.execute(old)).scalars().all()
    await connection.execute(delete(EVENTS).where(EVENTS.c.job_id.in_(names)))
    await connection.execute(delete(JOBS).where(JOBS.c.job_id.in_(names)))
    return len(names)


async def _remove_collections(connection: AsyncConnection, age: timedelta) -> int:
    """The lock lets no upload find the collection in place and miss it when its document is made.

    Who admits a document holds a weaker lock until its commit.
    """
    unused = (
        COLLECTIONS.c.created_at < NOW - age,
        ~exists().where(DOCUMENTS.c.collection == COLLECTIONS.c.name),
    )
    if (await connection.execute(select(COLLECTIONS.c.name).where(*unused).limit(1))).first():
        await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        await connection.execute(text("LOCK TABLE collections IN EXCLUSIVE MODE"))
        return (await connection.execute(delete(COLLECTIONS).where(*unused))).rowcount
    return 0
