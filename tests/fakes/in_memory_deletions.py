"""The twin of `stores.postgres.deletion_queue.DeletionQueue`, in a dictionary."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from domain.deletions import StoreDeletion
from domain.documents import DocumentStatus
from tests.fakes.in_memory_state import State


class InMemoryDeletionQueue:
    """Hands out deletions that are due, for as long as the process lives."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def claim(self, limit: int, hide_seconds: float) -> list[StoreDeletion]:
        """At most `limit` deletions, the longest due first; they are due again later."""
        now = self.state.clock()
        waiting = sorted(self.state.deletions.items(), key=lambda item: item[1][1])
        due = [(key, one) for key, (one, due_at) in waiting if due_at <= now][:limit]
        for key, one in due:
            self.state.deletions[key] = (one, now + timedelta(seconds=hide_seconds))
        return sorted((one for _, one in due), key=lambda one: one.deletion_id)

    async def complete(self, deletion_ids: Sequence[int]) -> None:
        """These deletions are done."""
        for name in deletion_ids:
            self.state.deletions.pop(name, None)

    async def waiting(self) -> int:
        """Number of deletions that are not done yet."""
        return len(self.state.deletions)

    async def discard_if_unused(self, document_id: str, version: int) -> bool:
        """True when nobody shows or awaits that version: it is erased."""
        return self.state.enqueue_if_unused(document_id, version)

    async def pdfs_in_use(self, digests: Collection[str]) -> set[str]:
        """Those digests that a document uses which is not deleted."""
        documents = [entry.document for entry in self.state.entries.values()]
        used = {doc.sha256 for doc in documents if doc.status != DocumentStatus.DELETED}
        return set(digests) & used
