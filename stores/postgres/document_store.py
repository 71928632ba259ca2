"""Documents and collections: queries, deletion, and the searchable version of each document."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.collection_names import name_of
from domain.deletions import VersionRange
from domain.documents import (
    ALL_DOCUMENTS,
    Document,
    DocumentFilter,
    DocumentOrder,
    DocumentStatus,
)
from domain.duplicates import Duplicates
from domain.errors import NotFound, PreconditionFailed, UnknownCollection
from domain.job_control import deleted_by
from domain.jobs import CursorPage
from domain.paper_names import PaperName
from domain.same_work import Work, WorkLinks
from runtime.single_flight import SingleFlight
from stores.postgres.admission import EMPTY_DOCUMENT
from stores.postgres.audit_log import Action, actor, record_action
from stores.postgres.database import NOW, Database
from stores.postgres.deletion_queue import enqueue_deletions
from stores.postgres.document_orders import ORDERS
from stores.postgres.job_status import IS_OPEN, cancelled_now, close_if_done
from stores.postgres.paper_names import has_author, named_by, values_of
from stores.postgres.schema import CITATIONS, COLLECTIONS, DOCUMENTS, TASKS
from stores.postgres.work_links import find_links, find_links_of_tasks

DOCUMENTS_PER_TRANSACTION = 500
# A tombstone keeps id, collection, digest, size, version numbers and times only.
TOMBSTONE = EMPTY_DOCUMENT | {
    "status": DocumentStatus.DELETED,
    "deleted_at": NOW,
    "filename": "",
    "corrections": {},
    "tags": [],
}
ALIVE = DOCUMENTS.c.status != DocumentStatus.DELETED
# Built once: each search executes it, and SQLAlchemy needs 0.3 ms to build it.
ALIVE_BY_ID = select(DOCUMENTS).where(
    DOCUMENTS.c.document_id == func.any(bindparam("ids", type_=ARRAY(Text))), ALIVE
)
AUTHOR_NAMES = func.jsonb_path_query_array(DOCUMENTS.c.authors, cast("$[*].name", JSONPATH))
SEARCHED_TEXTS = (DOCUMENTS.c.title, DOCUMENTS.c.filename, cast(AUTHOR_NAMES, Text))
IN_COLLECTION = and_(DOCUMENTS.c.collection == COLLECTIONS.c.name, ALIVE)
MEMBER = DOCUMENTS.alias("member")
HAS_DOCUMENTS = exists().where(
    MEMBER.c.collection == COLLECTIONS.c.name, MEMBER.c.status != DocumentStatus.DELETED
)
PRESENT_NAME = func.coalesce(COLLECTIONS.c.display_name, COLLECTIONS.c.name)
# A deleted collection exists again after the next upload to it.
COLLECTION_EXISTS = or_(COLLECTIONS.c.deleted_at.is_(None), HAS_DOCUMENTS)


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """A collection, its number of documents and their bytes, its quotas (None: no limit), and what
    it does with another file of a work."""

    collection_id: str
    name: str
    documents: int
    created_at: datetime
    bytes: int = 0
    description: str = ""
    max_papers: int | None = None
    max_bytes: int | None = None
    duplicates: Duplicates = Duplicates.KEEP


def _conditions(wanted: DocumentFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.needs_review is not None:
        yield DOCUMENTS.c.needs_review.is_(wanted.needs_review)
    if wanted.collection:
        yield DOCUMENTS.c.collection == wanted.collection
    if wanted.among is not None:
        yield DOCUMENTS.c.collection.in_(wanted.among)
    if wanted.status:
        yield DOCUMENTS.c.status == wanted.status
    if wanted.year_first is not None:
        yield DOCUMENTS.c.year >= wanted.year_first
    if wanted.year_last is not None:
        yield DOCUMENTS.c.year <= wanted.year_last
    if wanted.author is not None:
        yield has_author(wanted.author)
    if wanted.doi is not None:
        yield DOCUMENTS.c.doi == wanted.doi.lower()
    if wanted.tags:
        yield DOCUMENTS.c.tags.contains(list(wanted.tags))
    if wanted.since is not None:
        yield DOCUMENTS.c.created_at >= wanted.since
    if wanted.document_ids is not None:
        yield DOCUMENTS.c.document_id.in_(wanted.document_ids)
    for word in wanted.words:
        yield or_(*(text.icontains(word, autoescape=True) for text in SEARCHED_TEXTS))


def _unchanged(expected: Document | None) -> Iterator[ColumnElement[bool]]:
    """Yields conditions that hold until the paper is read, corrected or tagged again."""
    if expected is not None:
        yield DOCUMENTS.c.version == expected.version
        yield DOCUMENTS.c.status == expected.status
        yield DOCUMENTS.c.corrections == cast(dict(expected.corrections), JSONB)
        yield DOCUMENTS.c.tags == cast(list(expected.tags), JSONB)


class DocumentStore:
    """Reads and deletes documents. Safe for concurrent use by several processes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._links = SingleFlight[dict[UUID, WorkLinks]]()

    async def get(self, document_id: str) -> Document:
        """Returns the document. Raises NotFound if it is unknown or deleted."""
        found = await self.active([document_id])
        if document_id not in found:
            raise NotFound(f"There is no document {document_id}.")
        return found[document_id]

    async def active(
        self, document_ids: Collection[str], wanted: DocumentFilter = ALL_DOCUMENTS
    ) -> dict[str, Document]:
        """Returns the documents that are not deleted and wanted, by id, with their searchable
        version."""
        conditions = list(_conditions(wanted))
        statement = ALIVE_BY_ID.where(*conditions) if conditions else ALIVE_BY_ID
        async with self.database.single() as connection:
            rows = await connection.execute(statement, {"ids": list(document_ids)})
            return {row.document_id: Document.model_validate(row) for row in rows}

    async def ids(self, wanted: DocumentFilter, limit: int) -> list[str]:
        """Returns the ids of up to `limit` documents that meet the conditions."""
        statement = select(DOCUMENTS.c.document_id).where(ALIVE, *_conditions(wanted)).limit(limit)
        async with self.database.single() as connection:
            return list((await connection.execute(statement)).scalars())

    async def named(
        self, name: PaperName, wanted: DocumentFilter, limit: int = 20
    ) -> list[Document]:
        """Returns searchable documents with this DOI, arXiv id, title or author, newest first.

        Also those whose record has all of the words. An author may be another person of whose name
        these are words, or an affiliation.
        """
        values = values_of(name)
        if not values:
            return []
        found = named_by(frozenset(values)).where(*_conditions(wanted))
        newest = found.order_by(DOCUMENTS.c.created_at.desc()).limit(limit)
        async with self.database.single() as connection:
            rows = await connection.execute(newest, values)
            return [Document.model_validate(row) for row in rows]

    async def list(
        self,
        wanted: DocumentFilter = ALL_DOCUMENTS,
        *,
        order: DocumentOrder = DocumentOrder.NEWEST,
        cursor: str | None = None,
        limit: int = 50,
    ) -> CursorPage[Document]:
        """Returns a page of documents. Raises InvalidRequest for a bad cursor.

        By title and by year, a change between two pages may repeat or skip documents.
        """
        ordered, statement = ORDERS[order], select(DOCUMENTS).where(ALIVE, *_conditions(wanted))
        async with self.database.single() as connection:
            page = ordered.page(statement, cursor).limit(limit + 1)
            rows = (await connection.execute(page)).all()
        items = [Document.model_validate(row) for row in rows[:limit]]
        has_more = len(rows) > limit
        return CursorPage(items, ordered.next_cursor(cursor, rows[:limit]) if has_more else None)

    async def collections(self, collection_id: str | None = None) -> list[CollectionSummary]:
        """Returns every collection that is not deleted, or the one with this id, by name."""
        chosen = COLLECTIONS.c.name == collection_id if collection_id is not None else true()
        statement = (
            select(
                COLLECTIONS.c.name,
                PRESENT_NAME,
                func.count(DOCUMENTS.c.document_id).label("documents"),
                COLLECTIONS.c.created_at,
                func.coalesce(func.sum(DOCUMENTS.c.bytes), 0).label("bytes"),
                COLLECTIONS.c.description,
                COLLECTIONS.c.max_papers,
                COLLECTIONS.c.max_bytes,
                COLLECTIONS.c.duplicates,
            )
            .outerjoin(DOCUMENTS, IN_COLLECTION)
            .where(COLLECTION_EXISTS, chosen)
            .group_by(COLLECTIONS.c.name)
            .order_by(PRESENT_NAME)
        )
        async with self.database.single() as connection:
            return [CollectionSummary(*row) for row in await connection.execute(statement)]

    async def has_collection(self, name: str) -> bool:
        """True if the collection has had an upload since it was last deleted."""
        statement = select(COLLECTIONS.c.name).where(COLLECTIONS.c.name == name, COLLECTION_EXISTS)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).first() is not None

    async def artifact_key(self, document_id: str) -> str | None:
        """Returns the blob key of the document's artifact, None before the text was extracted."""
        statement = select(DOCUMENTS.c.artifact_key).where(DOCUMENTS.c.document_id == document_id)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).scalar()

    async def links(self, documents: Collection[Document]) -> dict[str, WorkLinks]:
        """Returns the copies and versions of searchable documents, by id; of others there are none.

        A call for many documents costs a few index lookups for each.
        """
        works = [Work.of(one.document_id, one.collection, one) for one in documents if one.is_ready]
        async with self.database.single() as connection:
            return await find_links(connection, works)

    async def links_of_tasks(self, task_ids: Collection[UUID]) -> dict[UUID, WorkLinks]:
        """Returns the copies and versions of the searchable documents of these tasks, by task.

        The followers of a job ask for the same tasks at the same time, and share the queries.
        """
        wanted = frozenset(task_ids)
        return await self._links.run(wanted, partial(self._find_links_of_tasks, wanted))

    async def _find_links_of_tasks(self, task_ids: Collection[UUID]) -> dict[UUID, WorkLinks]:
        async with self.database.single() as connection:
            return await find_links_of_tasks(connection, task_ids)

    async def correct(
        self,
        document_id: str,
        columns: Mapping[str, Any],
        restored: Collection[str],
        *,
        tags: Sequence[str] | None = None,
        expected: Document | None = None,
    ) -> None:
        """Writes these columns; later versions keep them, except those in `restored`.

        `tags` replace the former ones. Raises NotFound if the document is unknown or deleted, and
        PreconditionFailed if it differs from `expected`.
        """
        kept = {name: value for name, value in columns.items() if name not in restored}
        remaining = DOCUMENTS.c.corrections.op("-")(cast(list(restored), ARRAY(Text)))
        values = {**columns, "corrections": remaining.op("||")(cast(kept, JSONB))}
        if tags is not None:
            values["tags"] = list(tags)
        conditions = [DOCUMENTS.c.document_id == document_id, ALIVE, *_unchanged(expected)]
        async with self.database.begin() as connection:
            changed = await connection.execute(update(DOCUMENTS).where(*conditions).values(values))
        if changed.rowcount == 0:
            await self.get(document_id)
            raise PreconditionFailed

    async def delete(self, document_id: str) -> None:
        """Turns the document into a tombstone, cancels its open tasks, and enqueues the deletion of
        its data in the other stores. Raises NotFound.

        The tombstone keeps version numbers monotonic, so that late writes of old chunks never
        become searchable.
        """
        async with self.database.begin() as connection:
            if not await delete_documents(connection, [document_id]):
                raise NotFound(f"There is no document {document_id}.")
            await record_action(connection, Action.DELETE_DOCUMENT, document_id)

    async def delete_collection(self, name: str) -> int:
        """Deletes all documents that are in the collection at the start of the call.

        Returns their number. Runs in batches, so that uploads to other collections are not blocked;
        an interrupted call is completed by repeating it. The name of a renamed collection is free
        then. Raises UnknownCollection.
        """
        members = select(DOCUMENTS.c.document_id).where(DOCUMENTS.c.collection == name, ALIVE)
        mark_deleted = (
            update(COLLECTIONS)
            .where(COLLECTIONS.c.name == name)
            .values(
                deleted_at=NOW,
                display_name=case((HAS_DOCUMENTS, COLLECTIONS.c.display_name), else_=None),
                description="",
                max_papers=None,
                max_bytes=None,
                duplicates=Duplicates.KEEP,
            )
        )
        if not await self.has_collection(name):
            raise UnknownCollection(f"There is no collection {name_of(name)!r}.")
        async with self.database.single() as connection:
            ids = sorted((await connection.execute(members)).scalars())
        await self._record_deletion(name, len(ids))
        deleted = 0
        for start in range(0, len(ids), DOCUMENTS_PER_TRANSACTION):
            batch = ids[start : start + DOCUMENTS_PER_TRANSACTION]
            async with self.database.begin() as connection:
                deleted += await delete_documents(connection, batch)
        async with self.database.single() as connection:
            await connection.execute(mark_deleted)
        return deleted

    async def _record_deletion(self, collection: str, documents: int) -> None:
        action, details = Action.DELETE_COLLECTION, {"documents": documents}
        async with self.database.begin() as connection:
            await record_action(
                connection, action, collection, collection=collection, details=details
            )


async def delete_documents(connection: AsyncConnection, document_ids: Sequence[str]) -> int:
    """Turns documents into tombstones; returns the number of those that were not deleted before.

    Locks the documents in order of id, like all transactions do, to avoid deadlocks.
    """
    ids = sorted(document_ids)
    lock = select(DOCUMENTS.c.document_id).where(DOCUMENTS.c.document_id.in_(ids), ALIVE)
    await connection.execute(lock.order_by(DOCUMENTS.c.document_id).with_for_update())
    deleted = await connection.execute(
        update(DOCUMENTS)
        .where(DOCUMENTS.c.document_id.in_(ids), ALIVE)
        .values(**TOMBSTONE)
        .returning(DOCUMENTS.c.document_id, DOCUMENTS.c.latest_version, DOCUMENTS.c.sha256)
    )
    rows = deleted.all()
    if not rows:
        return 0
    deleted_ids = [row.document_id for row in rows]
    await connection.execute(delete(CITATIONS).where(CITATIONS.c.document_id.in_(deleted_ids)))
    await _cancel_tasks(connection, deleted_ids)
    ranges = [VersionRange(row.document_id, 0, row.latest_version) for row in rows]
    await enqueue_deletions(connection, ranges, {row.document_id: row.sha256 for row in rows})
    return len(rows)


async def _cancel_tasks(connection: AsyncConnection, document_ids: Sequence[str]) -> None:
    """Cancels the open tasks of the documents and erases the file names of all their tasks."""
    of_documents = TASKS.c.document_id.in_(document_ids)
    await connection.execute(update(TASKS).where(of_documents).values(filename=""))
    cancel = update(TASKS).where(of_documents, IS_OPEN).values(**cancelled_now(deleted_by(actor())))
    job_ids = await connection.execute(cancel.returning(TASKS.c.job_id))
    await close_if_done(connection, job_ids.scalars().all())
