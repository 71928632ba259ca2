"""An in-memory fake of `stores.postgres.document_store.DocumentStore`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.documents import (
    ALL_DOCUMENTS,
    STATE_ORDER,
    Document,
    DocumentFilter,
    DocumentOrder,
    DocumentStatus,
)
from domain.errors import NotFound, PreconditionFailed, UnknownCollection
from domain.identifiers import DOCUMENT_ID
from domain.job_control import deleted_by
from domain.jobs import CursorPage
from domain.paper_names import PaperName, is_filename, words_beside_title
from domain.papers import Author
from domain.same_work import WorkLinks
from domain.text_folding import fold
from stores.milvus.terms import words
from stores.postgres.audit_log import actor
from stores.postgres.cursors import (
    KeyParser,
    decode_keys,
    decode_offset,
    encode_keys,
    encode_offset,
    name_key,
    number_key,
    text_key,
    time_key,
)
from stores.postgres.document_store import CollectionSummary
from tests.fakes.in_memory_state import State, is_open, page_of, work_of


def _matches(document: Document, wanted: DocumentFilter) -> bool:
    names = [document.title or "", document.filename, *(one.name for one in document.authors)]
    texts = [name.lower() for name in names]
    year = document.year
    return (
        wanted.collection in (None, document.collection)
        and (wanted.among is None or document.collection in wanted.among)
        and wanted.status in (None, document.status)
        and wanted.needs_review in (None, document.needs_review)
        and (wanted.year_first is None or (year is not None and year >= wanted.year_first))
        and (wanted.year_last is None or (year is not None and year <= wanted.year_last))
        and (wanted.author is None or _has_author(document, wanted.author))
        and (wanted.doi is None or document.doi == wanted.doi.lower())
        and set(wanted.tags) <= set(document.tags)
        and (wanted.since is None or document.created_at >= wanted.since)
        and (wanted.document_ids is None or document.document_id in wanted.document_ids)
        and all(any(word.lower() in text for text in texts) for word in wanted.words)
    )


def _has_author(document: Document, name: str) -> bool:
    names = " ".join(one.name for one in document.authors)
    return set(words(name)) <= set(words(names))


def _by_title(document: Document) -> tuple[bool, str, str]:
    return document.title is None, fold(document.title or ""), document.document_id


def _by_year(document: Document) -> tuple[bool, int, str]:
    return document.year is None, -(document.year or 0), document.document_id


def _by_author(document: Document) -> tuple[str, str]:
    first = document.authors[0] if document.authors else Author("")
    name = f"{first.family} {first.given or ''}" if first.family else first.name
    folded = fold(name).strip()
    return f"0{folded[:28]}" if folded else "1", document.document_id


def _by_state(document: Document) -> tuple[int, datetime, str]:
    rank = len(STATE_ORDER) - STATE_ORDER.index(document.status)
    return rank, document.created_at, document.document_id


_KEYS: dict[DocumentOrder, tuple[Callable[[Document], Any], tuple[KeyParser, ...]]] = {
    DocumentOrder.AUTHOR: (_by_author, (text_key, name_key(DOCUMENT_ID))),
    DocumentOrder.STATE: (_by_state, (number_key, time_key, name_key(DOCUMENT_ID))),
}
_SORT_KEYS: dict[DocumentOrder, Callable[[Document], Any]] = {
    DocumentOrder.OLDEST: lambda document: (document.created_at, document.document_id),
    DocumentOrder.TITLE: _by_title,
    DocumentOrder.YEAR: _by_year,
}


def _page_by_keys(
    found: list[Document], order: DocumentOrder, cursor: str | None, limit: int
) -> CursorPage[Document]:
    key, parsers = _KEYS[order]
    descending = order is DocumentOrder.STATE
    found.sort(key=key, reverse=descending)
    if cursor:
        last = tuple(decode_keys(cursor, parsers))
        found = [one for one in found if (key(one) < last if descending else key(one) > last)]
    more = encode_keys(*key(found[limit - 1])) if len(found) > limit else None
    return CursorPage(found[:limit], more)


class InMemoryDocumentStore:
    """Reads and deletes documents."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def get(self, document_id: str) -> Document:
        """Like `DocumentStore.get`."""
        for document in (await self.active([document_id])).values():
            return document
        raise NotFound(f"There is no document {document_id}.")

    async def active(
        self, document_ids: Collection[str], wanted: DocumentFilter = ALL_DOCUMENTS
    ) -> dict[str, Document]:
        """Like `DocumentStore.active`."""
        ids = set(document_ids)
        alive = [doc for doc in self._alive() if doc.document_id in ids]
        return {doc.document_id: doc for doc in alive if _matches(doc, wanted)}

    async def ids(self, wanted: DocumentFilter, limit: int) -> list[str]:
        """Like `DocumentStore.ids`."""
        return [doc.document_id for doc in self._alive() if _matches(doc, wanted)][:limit]

    async def named(
        self, name: PaperName, wanted: DocumentFilter, limit: int = 20
    ) -> list[Document]:
        """Like `DocumentStore.named`."""
        ready = [doc for doc in self._alive() if doc.status == DocumentStatus.READY]
        found = [doc for doc in ready if _matches(doc, wanted) and self._is_named(doc, name)]
        return found[:limit]

    def _is_named(self, document: Document, name: PaperName) -> bool:
        title_key = self.state.entries[document.document_id].title_key
        return (
            any(value and getattr(document, key) == value for key, value in name.identifiers)
            or bool(name.title_key and title_key == name.title_key)
            or bool(name.author and _has_author(document, name.author))
            or is_filename(name.words, document.filename)
            or bool(words_beside_title(name.words, document))
        )

    def _alive(self) -> list[Document]:
        documents = [entry.document for entry in self.state.entries.values()]
        return [doc for doc in documents if doc.status != DocumentStatus.DELETED]

    async def list(
        self,
        wanted: DocumentFilter = ALL_DOCUMENTS,
        *,
        order: DocumentOrder = DocumentOrder.NEWEST,
        cursor: str | None = None,
        limit: int = 50,
    ) -> CursorPage[Document]:
        """Like `DocumentStore.list`."""
        found = [doc for doc in self._alive() if _matches(doc, wanted)]
        if order is DocumentOrder.NEWEST:
            keyed = [(doc.created_at, doc.document_id, doc) for doc in found]
            return page_of(keyed, cursor, limit, DOCUMENT_ID)
        if order in _KEYS:
            return _page_by_keys(found, order, cursor, limit)
        found.sort(key=_SORT_KEYS[order])
        start = decode_offset(cursor)
        following = encode_offset(start + limit) if len(found) > start + limit else None
        return CursorPage(found[start : start + limit], following)

    async def collections(self, collection_id: str | None = None) -> Sequence[CollectionSummary]:
        """Like `DocumentStore.collections`."""
        return [
            self._summary(one, created_at)
            for one, created_at in sorted(self.state.collections.items())
            if collection_id in (None, one) and await self.has_collection(one)
        ]

    def _summary(self, name: str, created_at: datetime) -> CollectionSummary:
        sizes = [doc.bytes for doc in self._alive() if doc.collection == name]
        settings = {"name": name, **self.state.collection_settings.get(name, {})}
        return CollectionSummary(
            name, settings.pop("name"), len(sizes), created_at, sum(sizes), **settings
        )

    async def has_collection(self, name: str) -> bool:
        """Like `DocumentStore.has_collection`."""
        if any(doc.collection == name for doc in self._alive()):
            return True
        return name in self.state.collections.keys() - self.state.deleted_collections

    async def artifact_key(self, document_id: str) -> str | None:
        """Like `DocumentStore.artifact_key`."""
        entry = self.state.entries.get(document_id)
        return entry.artifact_key if entry else None

    async def links(self, documents: Collection[Document]) -> dict[str, WorkLinks]:
        """Like `DocumentStore.links`."""
        ready = [one for one in documents if one.is_ready]
        return {one.document_id: self.state.links(work_of(one)) for one in ready}

    async def links_of_tasks(self, task_ids: Collection[UUID]) -> dict[UUID, WorkLinks]:
        """Like `DocumentStore.links_of_tasks`."""
        tasks = [self.state.tasks[name] for name in task_ids if name in self.state.tasks]
        documents = {one.task_id: self.state.entries[one.document_id].document for one in tasks}
        ready = {name: one for name, one in documents.items() if one.is_ready}
        return {name: self.state.links(work_of(one)) for name, one in ready.items()}

    async def correct(
        self,
        document_id: str,
        columns: Mapping[str, Any],
        restored: Collection[str],
        *,
        tags: Sequence[str] | None = None,
        expected: Document | None = None,
    ) -> None:
        """Like `DocumentStore.correct`."""
        document = await self.get(document_id)
        if expected is not None and document != expected:
            raise PreconditionFailed
        corrections = {
            name: value
            for name, value in {**document.corrections, **columns}.items()
            if name not in restored
        }
        changed = {**columns, "corrections": corrections}
        kept_tags = document.tags if tags is None else tuple(tags)
        self.state.entries[document_id].set_columns({**changed, "tags": kept_tags})

    async def delete(self, document_id: str) -> None:
        """Like `DocumentStore.delete`."""
        document = await self.get(document_id)
        entry = self.state.entries[document_id]
        entry.empty(DocumentStatus.DELETED)
        entry.set(filename="")
        tasks = [task for task in self.state.tasks.values() if task.document_id == document_id]
        for task in tasks:
            unnamed = self.state.set_task(task, filename="")
            if is_open(task):
                self.state.cancel_task(unnamed, deleted_by(actor()))
        for task in tasks:
            self.state.close_if_done(task.job_id)
        self.state.enqueue_deletion(document_id, 0, entry.latest_version, document.sha256)

    async def delete_collection(self, name: str) -> int:
        """Like `DocumentStore.delete_collection`."""
        if not await self.has_collection(name):
            raise UnknownCollection(f"There is no collection {name!r}.")
        ids = [doc.document_id for doc in self._alive() if doc.collection == name]
        for document_id in ids:
            await self.delete(document_id)
        self.state.deleted_collections.add(name)
        self.state.collection_settings.pop(name, None)
        return len(ids)
