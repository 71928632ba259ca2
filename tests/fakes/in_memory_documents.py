"""The twin of `stores.postgres.document_store.DocumentStore`, in dictionaries."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from domain.documents import Document, DocumentStatus
from domain.errors import NotFound, UnknownCollection
from domain.identifiers import DOCUMENT_ID
from domain.jobs import CursorPage
from stores.postgres.document_store import CollectionSummary
from tests.fakes.in_memory_state import State, is_open, page_of


class InMemoryDocumentStore:
    """Reads and deletes documents, for as long as the process lives."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def get(self, document_id: str) -> Document:
        """The document. Raises NotFound for an unknown or deleted one."""
        for document in (await self.active([document_id])).values():
            return document
        raise NotFound(f"There is no document {document_id}.")

    async def active(self, document_ids: Collection[str]) -> dict[str, Document]:
        """The documents that are not deleted, by id."""
        wanted = set(document_ids)
        return {doc.document_id: doc for doc in self._alive() if doc.document_id in wanted}

    def _alive(self) -> list[Document]:
        documents = [entry.document for entry in self.state.entries.values()]
        return [doc for doc in documents if doc.status != DocumentStatus.DELETED]

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
        found = [
            (doc.created_at, doc.document_id, doc)
            for doc in self._alive()
            if collection in (None, doc.collection)
            and status in (None, doc.status)
            and needs_review in (None, doc.needs_review)
        ]
        return page_of(found, cursor, limit, DOCUMENT_ID)

    async def collections(self) -> Sequence[CollectionSummary]:
        """Every collection, by name."""
        held = [doc.collection for doc in self._alive()]
        return [
            CollectionSummary(name, held.count(name), created_at)
            for name, created_at in sorted(self.state.collections.items())
            if await self.has_collection(name)
        ]

    async def has_collection(self, name: str) -> bool:
        """True when something was uploaded to the collection and it was not deleted since."""
        holds_any = any(doc.collection == name for doc in self._alive())
        return holds_any or name in self.state.collections.keys() - self.state.deleted_collections

    async def artifact_key(self, document_id: str) -> str | None:
        """Where the blob store holds what was read from the document, None before it was read."""
        entry = self.state.entries.get(document_id)
        return entry.artifact_key if entry else None

    async def delete(self, document_id: str) -> None:
        """The document is a tombstone; its open tasks end. Raises NotFound."""
        document = await self.get(document_id)
        entry = self.state.entries[document_id]
        entry.empty(DocumentStatus.DELETED)
        entry.set(filename="")
        mine = [task for task in self.state.tasks.values() if task.document_id == document_id]
        for task in mine:
            named = self.state.set_task(task, filename="")
            if is_open(task):
                self.state.cancel_task(named)
        for task in mine:
            self.state.close_if_done(task.job_id)
        self.state.enqueue_deletion(document_id, 0, entry.latest_version, document.sha256)

    async def delete_collection(self, name: str) -> int:
        """Number of documents deleted: all of the collection's. Raises UnknownCollection."""
        if not await self.has_collection(name):
            raise UnknownCollection(f"There is no collection {name!r}.")
        doomed = [doc.document_id for doc in self._alive() if doc.collection == name]
        for document_id in doomed:
            await self.delete(document_id)
        self.state.deleted_collections.add(name)
        return len(doomed)
