"""Deletes records that nothing references any more, so that tables do not grow without bound.

A tombstone keeps the version numbers of a deleted paper monotonic, so that chunks and artifacts of
old versions are never mistaken for those of a new one. Tombstones are deleted only after a
reconciliation has deleted every orphan, and months after the last write of a worker, whose lease
lasts seconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from datetime import timedelta

from sqlalchemy import delete, exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import DocumentStatus
from stores.postgres.database import NOW, Database
from stores.postgres.request_counts import RequestCounts
from stores.postgres.schema import (
    AUDIT_LOG,
    CITATIONS,
    COLLECTIONS,
    DELIVERIES,
    DOCUMENTS,
    EVENTS,
    JOBS,
    TASKS,
    WEBHOOKS,
)

Remove = Callable[[AsyncConnection, timedelta], Awaitable[int]]
ROWS_PER_TRANSACTION = 1000
AUDIT_AGE = timedelta(days=730)  # or `days` if that is longer
LOCK_SECONDS = 2  # upper bound for blocking uploads


@dataclass(slots=True)
class Removed:
    """Numbers of deleted records."""

    tombstones: int = 0
    jobs: int = 0
    collections: int = 0
    audit_entries: int = 0
    deliveries: int = 0

    @property
    def total(self) -> int:
        """The sum of all numbers."""
        return sum(getattr(self, field.name) for field in fields(self))


async def remove_old_records(database: Database, days: float, delivery_days: float = 30) -> Removed:
    """Deletes tombstones, purged jobs and empty collections that are older than `days`, and
    entries of the audit log that are older than that and than AUDIT_AGE. Deletes deliveries of
    webhooks that are older than `delivery_days` and not pending. Forgets the counted requests of
    clients that have sent nothing for a day.

    After that, the Idempotency-Key of such a job starts a new one. Raises DatabaseUnavailable.
    """
    age, removed = timedelta(days=days), Removed()
    while count := await _remove_batch(database, _remove_tombstones, age):
        removed.tombstones += count
    while count := await _remove_batch(database, _remove_jobs, age):
        removed.jobs += count
    removed.collections = await _remove_batch(database, _remove_collections, age)
    while count := await _remove_batch(database, _remove_audit_entries, max(age, AUDIT_AGE)):
        removed.audit_entries += count
    age = timedelta(days=delivery_days)
    while count := await _remove_batch(database, _remove_deliveries, age):
        removed.deliveries += count
    await RequestCounts(database).forget()
    return removed


async def _remove_batch(database: Database, remove: Remove, age: timedelta) -> int:
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
        .limit(ROWS_PER_TRANSACTION)
        .with_for_update(skip_locked=True)  # an upload of the same bytes locks the row, too
    )
    ids = (await connection.execute(old)).scalars().all()
    await connection.execute(delete(CITATIONS).where(CITATIONS.c.document_id.in_(ids)))
    await connection.execute(delete(DOCUMENTS).where(DOCUMENTS.c.document_id.in_(ids)))
    return len(ids)


async def _remove_jobs(connection: AsyncConnection, age: timedelta) -> int:
    old = (
        select(JOBS.c.job_id)
        .where(
            JOBS.c.purged_at < NOW - age,
            ~exists().where(TASKS.c.job_id == JOBS.c.job_id),
        )
        .limit(ROWS_PER_TRANSACTION)
        .with_for_update(skip_locked=True)
    )
    ids = (await connection.execute(old)).scalars().all()
    await connection.execute(delete(EVENTS).where(EVENTS.c.job_id.in_(ids)))
    await connection.execute(delete(JOBS).where(JOBS.c.job_id.in_(ids)))
    return len(ids)


async def _remove_collections(connection: AsyncConnection, age: timedelta) -> int:
    """Deletes empty collections under a table lock.

    The lock prevents a race: an upload could find the collection and then fail to insert its
    document. An admission holds a weaker, conflicting lock until its commit.
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


async def _remove_audit_entries(connection: AsyncConnection, age: timedelta) -> int:
    old = select(AUDIT_LOG.c.entry_id).where(AUDIT_LOG.c.at < NOW - age).limit(ROWS_PER_TRANSACTION)
    return (
        await connection.execute(delete(AUDIT_LOG).where(AUDIT_LOG.c.entry_id.in_(old)))
    ).rowcount


async def _remove_deliveries(connection: AsyncConnection, age: timedelta) -> int:
    """A delivery is pending while its webhook exists and is not disabled."""
    receives = exists().where(
        WEBHOOKS.c.webhook_id == DELIVERIES.c.webhook_id, WEBHOOKS.c.disabled_at.is_(None)
    )
    ended = or_(DELIVERIES.c.delivered_at.is_not(None), DELIVERIES.c.abandoned_at.is_not(None))
    old = select(DELIVERIES.c.delivery_id).where(
        DELIVERIES.c.created_at < NOW - age, or_(ended, ~receives)
    )
    ids = old.limit(ROWS_PER_TRANSACTION).with_for_update(skip_locked=True)
    removed = delete(DELIVERIES).where(DELIVERIES.c.delivery_id.in_(ids.scalar_subquery()))
    return (await connection.execute(removed)).rowcount
