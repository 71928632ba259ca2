"""Queries for what the vector store and the blob store should contain, according to PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from domain.consistency import DocumentState, StuckTask
from domain.documents import DocumentStatus
from stores.postgres.database import NOW, Database, seconds
from stores.postgres.job_status import IS_OPEN, IS_RUNNING
from stores.postgres.schema import DOCUMENTS, JOBS, TASKS

REPAIR = "repair"  # value of `kind` for jobs that re-ingest documents because stores differed

COLUMNS = [DOCUMENTS.c[one.name] for one in fields(DocumentState)]


class ConsistencyQueries:
    """Reads the expected state of the other stores. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def now(self) -> datetime:
        """Returns the current time of the database server."""
        async with self.database.single() as connection:
            return (await connection.execute(select(NOW))).scalar_one()

    async def iter_batches(self, size: int = 2000) -> AsyncIterator[list[DocumentState]]:
        """Yields all documents, tombstones included, ordered by id, in batches of at most `size`.

        Uses keyset pagination: each batch is a query of its own, without an open transaction.
        """
        ordered = select(*COLUMNS).order_by(DOCUMENTS.c.document_id).limit(size)
        batch = await self._documents(ordered)
        while batch:
            yield batch
            later = DOCUMENTS.c.document_id > batch[-1].document_id
            batch = await self._documents(ordered.where(later))

    async def by_ids(self, document_ids: Collection[str]) -> dict[str, DocumentState]:
        """Returns the documents that exist, by id; tombstones included."""
        chosen = select(*COLUMNS).where(DOCUMENTS.c.document_id.in_(document_ids))
        return {document.document_id: document for document in await self._documents(chosen)}

    async def changed_since(
        self, since: datetime, document_ids: Collection[str] | None = None
    ) -> set[str]:
        """Returns ids of documents with a task that is open or has ended since that time.

        `document_ids` restricts the result to these documents.
        """
        statement = select(TASKS.c.document_id).where(or_(IS_OPEN, TASKS.c.finished_at >= since))
        if document_ids is not None:
            statement = statement.where(TASKS.c.document_id.in_(document_ids))
        return await self._values(statement)

    async def repaired(self, document_ids: Collection[str]) -> set[str]:
        """Returns those of the documents that a repair job has re-ingested.

        Repair jobs that were purged do not count.
        """
        return await self._values(
            select(TASKS.c.document_id)
            .join(JOBS, onclause=JOBS.c.job_id == TASKS.c.job_id)
            .where(JOBS.c.kind == REPAIR, TASKS.c.document_id.in_(document_ids))
        )

    async def in_use(self, digests: Collection[str]) -> set[str]:
        """Returns those of the SHA-256 digests whose PDF belongs to a document; no tombstones."""
        alive = DOCUMENTS.c.status != DocumentStatus.DELETED
        return await self._values(
            select(DOCUMENTS.c.sha256).where(DOCUMENTS.c.sha256.in_(digests), alive)
        )

    async def shown_chunks(self) -> int:
        """Returns the total number of chunks of all searchable document versions."""
        shown = DOCUMENTS.c.status == DocumentStatus.READY
        statement = select(func.coalesce(func.sum(DOCUMENTS.c.chunks), 0)).where(shown)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).scalar_one()

    async def stuck(self, silent_seconds: float) -> list[StuckTask]:
        """Returns at most 1000 running tasks whose lease expired more than `silent_seconds` ago.

        The task with the oldest lease comes first.
        """
        silence = func.extract("epoch", NOW - TASKS.c.lease_expires_at).label("silent_seconds")
        statement = (
            select(TASKS.c.task_id, TASKS.c.document_id, TASKS.c.filename, silence)
            .where(_expired(silent_seconds))
            .order_by(TASKS.c.lease_expires_at)
            .limit(1000)
        )
        async with self.database.single() as connection:
            return [_stuck(row) for row in await connection.execute(statement)]

    async def _documents(self, statement: Select[*tuple[Any, ...]]) -> list[DocumentState]:
        async with self.database.single() as connection:
            return [_document_state(row) for row in await connection.execute(statement)]

    async def _values(self, statement: Select[*tuple[Any, ...]]) -> set[str]:
        async with self.database.single() as connection:
            return set((await connection.execute(statement)).scalars())


def _expired(silent_seconds: float) -> ColumnElement[bool]:
    return and_(IS_RUNNING, TASKS.c.lease_expires_at < NOW - seconds(silent_seconds))


def _document_state(row: Row[*tuple[Any, ...]]) -> DocumentState:
    return DocumentState(**{**row._mapping, "status": DocumentStatus(row.status)})


def _stuck(row: Row[*tuple[Any, ...]]) -> StuckTask:
    return StuckTask(row.task_id, row.document_id, row.filename, float(row.silent_seconds))
