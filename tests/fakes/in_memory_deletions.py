"""An in-memory fake of `stores.postgres.deletion_queue.DeletionQueue`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from domain.deletions import StoreDeletion
from domain.documents import DocumentStatus
from tests.fakes.in_memory_state import State


class InMemoryDeletionQueue:
    """Leases due deletions."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def claim(self, limit: int, hide_seconds: float) -> list[StoreDeletion]:
        """Like `DeletionQueue.claim`."""
        now = self.state.clock()
        waiting = sorted(self.state.deletions.items(), key=lambda item: item[1][1])
        due = [(key, item) for key, (item, due_at) in waiting if due_at <= now][:limit]
        for key, item in due:
            self.state.deletions[key] = (item, now + timedelta(seconds=hide_seconds))
        return sorted((item for _, item in due), key=lambda item: item.deletion_id)

    async def complete(self, deletion_ids: Sequence[int]) -> None:
        """Like `DeletionQueue.complete`."""
        for name in deletion_ids:
            self.state.deletions.pop(name, None)

    async def waiting(self) -> int:
        """Like `DeletionQueue.waiting`."""
        return len(self.state.deletions)

    async def discard_if_unused(self, document_id: str, version: int) -> bool:
        """Like `DeletionQueue.discard_if_unused`."""
        return self.state.enqueue_if_unused(document_id, version)

    async def pdfs_in_use(self, digests: Collection[str]) -> set[str]:
        """Like `DeletionQueue.pdfs_in_use`."""
        documents = [entry.document for entry in self.state.entries.values()]
        used = {doc.sha256 for doc in documents if doc.status != DocumentStatus.DELETED}
        return set(digests) & used
