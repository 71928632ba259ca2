"""Documents and collections: what is in the library, and which version of it searches may show."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import Document, DocumentStatus
from domain.errors import NotFound
from domain.identifiers import DOCUMENT_ID
from domain.jobs import Page
from stores.cursors import decode_cursor, encode_cursor
from stores.database import NOW, Database
from stores.job_status import CANCELLED_NOW, IS_OPEN, close_if_done
from stores.tables import CITATIONS, COLLECTIONS, DOCUMENTS, TASKS


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """A collection and how many documents it holds."""

    name: str
    documents: int
    created_at: datetime


class DocumentStore:
    """Reads and deletes documents. Any number of processes may use it at once."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def get(self, document_id: str) -> Document:
        """The document. Raises NotFound for an unknown or deleted one."""
        found = await self.active([document_id])
        if document_id not in found:
            raise NotFound(f"There is no document {document_id}.")
        return found[document_id]

    async def active(self, document_ids: Collection[str]) -> dict[str, Document]:
        """The documents that are not deleted, by id; each with the version that searches show."""
        statement = select(DOCUMENTS).where(
            DOCUMENTS.c.document_id.in_(document_ids),
            DOCUMENTS.c.status != DocumentStatus.DELETED,
        )
        async with self.database.single() as connection:
            rows = await connection.execute(statement)
            return {row.document_id: Document.model_validate(row) for row in rows}

    async def list(
        self,
        *,
        collection: str | None = None,
        status: DocumentStatus | None = None,
        needs_review: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Document]:
        """Documents, newest first. Raises InvalidRequest for a cursor that is none of ours."""
        statement = select(DOCUMENTS).where(DOCUMENTS.c.status != DocumentStatus.DELETED)
        if needs_review is not None:
            statement = statement.where(DOCUMENTS.c.needs_review.is_(needs_review))
        if collection:
            statement = statement.where(DOCUMENTS.c.collection == collection)
        if status:
            statement = statement.where(DOCUMENTS.c.status == status)
        if cursor:
            place = tuple_(DOCUMENTS.c.created_at, DOCUMENTS.c.document_id)
            statement = statement.where(place < tuple_(*decode_cursor(cursor, DOCUMENT_ID)))
        newest = statement.order_by(DOCUMENTS.c.created_at.desc(), DOCUMENTS.c.document_id.desc())
        async with self.database.single() as connection:
            rows = (await connection.execute(newest.limit(limit + 1))).all()
        items = [Document.model_validate(row) for row in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        return Page(items, encode_cursor(last.created_at, last.document_id) if last else None)

    async def collections(self) -> list[CollectionSummary]:
        """Every collection, by name."""
        alive = func.count(DOCUMENTS.c.document_id).filter(
            DOCUMENTS.c.status != DocumentStatus.DELETED
        )
        statement = (
            select(COLLECTIONS.c.name, alive, COLLECTIONS.c.created_at)
            .outerjoin(DOCUMENTS, DOCUMENTS.c.collection == COLLECTIONS.c.name)
            .group_by(COLLECTIONS.c.name)
            .order_by(COLLECTIONS.c.name)
        )
        async with self.database.single() as connection:
            return [CollectionSummary(*row) for row in await connection.execute(statement)]

    async def has_collection(self, name: str) -> bool:
        """True when something was uploaded to the collection at some time."""
        statement = select(COLLECTIONS.c.name).where(COLLECTIONS.c.name == name)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).first() is not None

    async def artifact_key(self, document_id: str) -> str | None:
        """Where the blob store holds what was read from the document, None before it was read."""
        statement = select(DOCUMENTS.c.artifact_key).where(DOCUMENTS.c.document_id == document_id)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).scalar()

    async def wants(self, document_id: str, version: int) -> bool:
        """True when searches show that version of the document, or a task is to write it."""
        shown = exists().where(
            DOCUMENTS.c.document_id == document_id,
            DOCUMENTS.c.version == version,
            DOCUMENTS.c.status == DocumentStatus.READY,
        )
        awaited = exists().where(
            TASKS.c.document_id == document_id, TASKS.c.version == version, IS_OPEN
        )
        async with self.database.single() as connection:
            return (await connection.execute(select(shown | awaited))).scalar_one()

    async def delete(self, document_id: str) -> bool:
        """True when nobody else uses the document's bytes. Its open tasks are cancelled.

        A tombstone stays and keeps the version number growing, so that late writes of old chunks
        are never shown. Raises NotFound.
        """
        async with self.database.begin() as connection:
            sha256 = await _bury(connection, document_id)
            await connection.execute(
                delete(CITATIONS).where(CITATIONS.c.document_id == document_id)
            )
            cancelled = await connection.execute(
                update(TASKS)
                .where(TASKS.c.document_id == document_id, IS_OPEN)
                .values(**CANCELLED_NOW)
                .returning(TASKS.c.job_id)
            )
            await close_if_done(connection, cancelled.scalars().all())
            return not await _used(connection, sha256)


async def _bury(connection: AsyncConnection, document_id: str) -> str:
    """The digest of the document that is now deleted. Raises NotFound."""
    buried = await connection.execute(
        update(DOCUMENTS)
        .where(
            DOCUMENTS.c.document_id == document_id,
            DOCUMENTS.c.status != DocumentStatus.DELETED,
        )
        .values(status=DocumentStatus.DELETED, deleted_at=NOW, artifact_key=None)
        .returning(DOCUMENTS.c.sha256)
    )
    sha256 = buried.scalar()
    if sha256 is None:
        raise NotFound(f"There is no document {document_id}.")
    return sha256


async def _used(connection: AsyncConnection, sha256: str) -> bool:
    users = select(DOCUMENTS.c.document_id).where(
        DOCUMENTS.c.sha256 == sha256, DOCUMENTS.c.status != DocumentStatus.DELETED
    )
    return (await connection.execute(users.limit(1))).first() is not None
