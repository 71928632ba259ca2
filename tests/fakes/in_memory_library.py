"""An in-memory fake of `stores.postgres.library_record.LibraryStore`."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import replace

from stores.postgres.library_record import LibraryRecord
from tests.fakes.in_memory_state import State


class InMemoryLibrary:
    """The library record, and lookups in the shared state of the fakes."""

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
