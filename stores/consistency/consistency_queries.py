"""What should be in the vector store and among the blobs, as PostgreSQL knows it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from domain.consistency import DocumentState, StuckTask
from domain.documents import DocumentStatus
from stores.postgres.database import NOW, Database, seconds
from stores.postgres.job_status import IS_OPEN, IS_RUNNING
from stores.postgres.schema import DOCUMENTS, JOBS, TASKS

REPAIR = "repair"  # the kind of a job that reads documents again because stores differed

COLUMNS = [
    DOCUMENTS.c[name]
    for name in (
        *("document_id", "collection", "filename", "sha256", "bytes"),
        *("status", "version", "chunks", "artifact_key"),
    )
]


class ConsistencyQueries:
    """Reads what the other stores are compared with. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def now(self) -> datetime:
        """The database's time."""
        async with self.database.single() as connection:
            return (await connection.execute(select(NOW))).scalar_one()

    async def page(self, after: str = "", limit: int = 2000) -> list[DocumentState]:
        """Documents with ids above `after`, by id; tombstones too. Empty at the end."""
        return await self._holdings(
            select(*COLUMNS)
            .where(DOCUMENTS.c.document_id > after)
            .order_by(DOCUMENTS.c.document_id)
            .limit(limit)
        )

    async def some(self, document_ids: Collection[str]) -> dict[str, DocumentState]:
        """Those of the documents that are known, by id; tombstones too."""
        chosen = select(*COLUMNS).where(DOCUMENTS.c.document_id.in_(document_ids))
        return {one.document_id: one for one in await self._holdings(chosen)}

    async def touched(
        self, since: datetime, document_ids: Collection[str] | None = None
    ) -> set[str]:
        """Documents, or those of these, with a task that is open or has ended since then."""
        statement = select(TASKS.c.document_id).where(or_(IS_OPEN, TASKS.c.finished_at >= since))
        if document_ids is not None:
            statement = statement.where(TASKS.c.document_id.in_(document_ids))
        return await self._names(statement)

    async def repaired(self, document_ids: Collection[str]) -> set[str]:
        """Those of the documents that a repair read again, as long as its job is remembered."""
        return await self._names(
            select(TASKS.c.document_id)
            .join(JOBS, onclause=JOBS.c.job_id == TASKS.c.job_id)
            .where(JOBS.c.kind == REPAIR, TASKS.c.document_id.in_(document_ids))
        )

    async def in_use(self, digests: Collection[str]) -> set[str]:
        """Those of the SHA-256 digests whose PDF belongs to a document."""
        alive = DOCUMENTS.c.status != DocumentStatus.DELETED
        return await self._names(
            select(DOCUMENTS.c.sha256).where(DOCUMENTS.c.sha256.in_(digests), alive)
        )

    async def shown_chunks(self) -> int:
        """How many chunks the shown versions have together."""
        shown = DOCUMENTS.c.status == DocumentStatus.READY
        statement = select(func.coalesce(func.sum(DOCUMENTS.c.chunks), 0)).where(shown)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).scalar_one()

    async def stuck(self, silent_seconds: float) -> list[StuckTask]:
        """Running tasks whose lease ended so long ago, longest first; 1000 at most."""
        silence = func.extract("epoch", NOW - TASKS.c.lease_expires_at).label("silent_seconds")
        statement = (
            select(TASKS.c.task_id, TASKS.c.document_id, TASKS.c.filename, silence)
            .where(_expired(silent_seconds))
            .order_by(TASKS.c.lease_expires_at)
            .limit(1000)
        )
        async with self.database.single() as connection:
            return [_stuck(row) for row in await connection.execute(statement)]

    async def _holdings(self, statement: Select[*tuple[Any, ...]]) -> list[DocumentState]:
        async with self.database.single() as connection:
            return [_holding(row) for row in await connection.execute(statement)]

    async def _names(self, statement: Select[*tuple[Any, ...]]) -> set[str]:
        async with self.database.single() as connection:
            return set((await connection.execute(statement)).scalars())


def _expired(silent_seconds: float) -> ColumnElement[bool]:
    return and_(IS_RUNNING, TASKS.c.lease_expires_at < NOW - seconds(silent_seconds))


def _holding(row: Row[*tuple[Any, ...]]) -> DocumentState:
    return DocumentState(**{**row._mapping, "status": DocumentStatus(row.status)})


def _stuck(row: Row[*tuple[Any, ...]]) -> StuckTask:
    return StuckTask(row.task_id, row.document_id, row.filename, float(row.silent_seconds))
