"""An in-memory fake of `ConsistencyQueries`, over the in-memory stores."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from domain.consistency import DocumentState, StuckTask
from domain.documents import DocumentStatus
from domain.jobs import TaskStatus
from stores.consistency.consistency_queries import REPAIR
from stores.postgres.library_record import LibraryRecord
from tests.fakes.in_memory_state import DocumentEntry, State, is_open


class InMemoryConsistencyQueries:
    """A fake of `stores.consistency.consistency_queries.ConsistencyQueries`."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def now(self) -> datetime:
        """Returns the time of the fake clock."""
        return self.state.clock()

    async def iter_batches(self, size: int = 2000) -> AsyncIterator[list[DocumentState]]:
        """Like `ConsistencyQueries.iter_batches`."""
        ids = sorted(self.state.entries)
        for start in range(0, len(ids), size):
            yield [_state_of(self.state.entries[name]) for name in ids[start : start + size]]

    async def by_ids(self, document_ids: Collection[str]) -> dict[str, DocumentState]:
        """Like `ConsistencyQueries.by_ids`."""
        entries = self.state.entries
        return {name: _state_of(entries[name]) for name in document_ids if name in entries}

    async def changed_since(
        self, since: datetime, document_ids: Collection[str] | None = None
    ) -> set[str]:
        """Like `ConsistencyQueries.changed_since`."""
        return {
            task.document_id
            for task in self.state.tasks.values()
            if (is_open(task) or (task.finished_at is not None and task.finished_at >= since))
            and (document_ids is None or task.document_id in document_ids)
        }

    async def repaired(self, document_ids: Collection[str]) -> set[str]:
        """Like `ConsistencyQueries.repaired`."""
        repairs = {job.job_id for job in self.state.jobs.values() if job.kind == REPAIR}
        tasks = self.state.tasks.values()
        done = {task.document_id for task in tasks if task.job_id in repairs}
        return done & set(document_ids)

    async def in_use(self, digests: Collection[str]) -> set[str]:
        """Like `ConsistencyQueries.in_use`."""
        documents = [entry.document for entry in self.state.entries.values()]
        alive = {doc.sha256 for doc in documents if doc.status != DocumentStatus.DELETED}
        return alive & set(digests)

    async def shown_chunks(self) -> int:
        """Like `ConsistencyQueries.shown_chunks`."""
        documents = [entry.document for entry in self.state.entries.values()]
        return sum(doc.chunks for doc in documents if doc.status == DocumentStatus.READY)

    async def stuck(self, silent_seconds: float) -> list[StuckTask]:
        """Like `ConsistencyQueries.stuck`."""
        now = self.state.clock()
        stuck = [
            StuckTask(
                task.task_id,
                task.document_id,
                task.filename,
                (now - task.lease_expires_at).total_seconds(),
            )
            for task in self.state.tasks.values()
            if task.status == TaskStatus.RUNNING
            and task.lease_expires_at is not None
            and task.lease_expires_at < now - timedelta(seconds=silent_seconds)
        ]
        return sorted(stuck, key=lambda task: -task.silent_seconds)


class InMemoryLibrary:
    """A fake of `stores.postgres.library_record.LibraryStore`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.current = LibraryRecord(str(uuid.uuid4()), None)

    async def record(self) -> LibraryRecord:
        """Like `LibraryStore.record`."""
        return self.current

    async def set_milvus_name(self, name: str) -> str:
        """Like `LibraryStore.set_milvus_name`."""
        chosen = self.current.milvus_name or name
        self.current = replace(self.current, milvus_name=chosen)
        return chosen

    async def known_documents(self, document_ids: Collection[str]) -> set[str]:
        """Like `LibraryStore.known_documents`."""
        return self.state.entries.keys() & set(document_ids)

    async def known_digests(self, digests: Collection[str]) -> set[str]:
        """Like `LibraryStore.known_digests`."""
        return {entry.document.sha256 for entry in self.state.entries.values()} & set(digests)


def _state_of(entry: DocumentEntry) -> DocumentState:
    document = entry.document
    return DocumentState(
        document_id=document.document_id,
        collection=document.collection,
        filename=document.filename,
        sha256=document.sha256,
        bytes=document.bytes,
        status=document.status,
        version=document.version,
        chunks=document.chunks,
        artifact_key=entry.artifact_key,
    )
