"""Documents and collections: what is in the library, and which version of it searches may show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, exists, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.deletions import VersionRange
from domain.documents import Document, DocumentStatus
from domain.errors import NotFound, UnknownCollection
from domain.identifiers import DOCUMENT_ID
from domain.jobs import CursorPage
from stores.postgres.admission import EMPTY
from stores.postgres.cursors import decode_cursor, encode_cursor
from stores.postgres.database import NOW, Database
from stores.postgres.deletion_queue import enqueue_deletions
from stores.postgres.job_status import CANCELLED_NOW, IS_OPEN, close_if_done
from stores.postgres.schema import CITATIONS, COLLECTIONS, DOCUMENTS, TASKS

DOCUMENTS_PER_TRANSACTION = 500
# What a tombstone keeps: id, collection, digest, size, version numbers and times.
BURIED = EMPTY | {"status": DocumentStatus.DELETED, "deleted_at": NOW, "filename": ""}
ALIVE = DOCUMENTS.c.status != DocumentStatus.DELETED
IN_COLLECTION = and_(DOCUMENTS.c.collection == COLLECTIONS.c.name, ALIVE)
HELD = DOCUMENTS.alias("held")
HOLDS_ANY = exists().where(
    HELD.c.collection == COLLECTIONS.c.name, HELD.c.status != DocumentStatus.DELETED
)
# A collection that was deleted is back with its next upload.
IS_THERE = or_(COLLECTIONS.c.deleted_at.is_(None), HOLDS_ANY)


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
    ) -> CursorPage[Document]:
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
        return CursorPage(items, encode_cursor(last.created_at, last.document_id) if last else None)

    async def collections(self) -> list[CollectionSummary]:
        """Every collection that was not deleted, by name."""
        alive = func.count(DOCUMENTS.c.document_id)
        statement = (
            select(COLLECTIONS.c.name, alive, COLLECTIONS.c.created_at)
            .outerjoin(DOCUMENTS, IN_COLLECTION)
            .where(IS_THERE)
            .group_by(COLLECTIONS.c.name)
            .order_by(COLLECTIONS.c.name)
        )
        async with self.database.single() as connection:
            return [CollectionSummary(*row) for row in await connection.execute(statement)]

    async def has_collection(self, name: str) -> bool:
        """True when something was uploaded to the collection and it was not deleted since."""
        statement = select(COLLECTIONS.c.name).where(COLLECTIONS.c.name == name, IS_THERE)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).first() is not None

    async def artifact_key(self, document_id: str) -> str | None:
        """Where the blob store holds what was read from the document, None before it was read."""
        statement = select(DOCUMENTS.c.artifact_key).where(DOCUMENTS.c.document_id == document_id)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).scalar()

    async def delete(self, document_id: str) -> None:
        """The document is a tombstone, its open tasks are cancelled, and everything that the other
        stores hold of it is in the deletion queue. Raises NotFound.

        The tombstone keeps the version number growing, so that late writes of old chunks are never
        shown.
        """
        async with self.database.begin() as connection:
            if not await _bury(connection, [document_id]):
                raise NotFound(f"There is no document {document_id}.")

    async def delete_collection(self, name: str) -> int:
        """Number of documents deleted: all that were in the collection when the call began.

        Done in parts, so that uploads to other collections do not wait; one that was interrupted is
        finished by saying it again. Raises UnknownCollection.
        """
        doomed = select(DOCUMENTS.c.document_id).where(DOCUMENTS.c.collection == name, ALIVE)
        gone = update(COLLECTIONS).where(COLLECTIONS.c.name == name).values(deleted_at=NOW)
        if not await self.has_collection(name):
            raise UnknownCollection(f"There is no collection {name!r}.")
        async with self.database.single() as connection:
            ids = sorted((await connection.execute(doomed)).scalars())
        deleted = 0
        for start in range(0, len(ids), DOCUMENTS_PER_TRANSACTION):
            async with self.database.begin() as connection:
                deleted += await _bury(connection, ids[start : start + DOCUMENTS_PER_TRANSACTION])
        async with self.database.single() as connection:
            await connection.execute(gone)
        return deleted


async def _bury(connection: AsyncConnection, document_ids: Sequence[str]) -> int:
    """Number of documents that are tombstones now: those that were not deleted before.

    They are locked in order of id, as by everybody, so that nobody waits in a circle.
    """
    ids = sorted(document_ids)
    lock = select(DOCUMENTS.c.document_id).where(DOCUMENTS.c.document_id.in_(ids), ALIVE)
    await connection.execute(lock.order_by(DOCUMENTS.c.document_id).with_for_update())
    buried = await connection.execute(
        update(DOCUMENTS)
        .where(DOCUMENTS.c.document_id.in_(ids), ALIVE)
        .values(**BURIED)
        .returning(DOCUMENTS.c.document_id, DOCUMENTS.c.latest_version, DOCUMENTS.c.sha256)
    )
    rows = buried.all()
    if not rows:
        return 0
    gone = [row.document_id for row in rows]
    await connection.execute(delete(CITATIONS).where(CITATIONS.c.document_id.in_(gone)))
    await _end_tasks(connection, gone)
    ranges = [VersionRange(row.document_id, 0, row.latest_version) for row in rows]
    await enqueue_deletions(connection, ranges, {row.document_id: row.sha256 for row in rows})
    return len(rows)


async def _end_tasks(connection: AsyncConnection, document_ids: Sequence[str]) -> None:
    """Open tasks of the documents are cancelled; none of their tasks keeps a file name."""
    mine = TASKS.c.document_id.in_(document_ids)
    await connection.execute(update(TASKS).where(mine).values(filename=""))
    ended = update(TASKS).where(mine, IS_OPEN).values(**CANCELLED_NOW)
    cancelled = await connection.execute(ended.returning(TASKS.c.job_id))
    await close_if_done(connection, cancelled.scalars().all())
