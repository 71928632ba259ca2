"""An in-memory fake of `stores.postgres.collection_store.CollectionStore`, without quotas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.errors import Conflict, UnknownCollection
from stores.protocols import DocumentStore
from tests.fakes.in_memory_state import State


class InMemoryCollectionStore:
    """Creates and changes collections."""

    def __init__(self, state: State, documents: DocumentStore) -> None:
        self.state = state
        self.documents = documents

    async def create(self, name: str, settings: Mapping[str, Any]) -> None:
        """Like `CollectionStore.create`."""
        if await self.documents.has_collection(name):
            raise Conflict(f"There is a collection {name!r} already. Nothing was changed.")
        self.state.collections.setdefault(name, datetime.now(UTC))
        self.state.deleted_collections.discard(name)
        self.state.collection_settings[name] = dict(settings)

    async def change(self, name: str, settings: Mapping[str, Any]) -> None:
        """Like `CollectionStore.change`."""
        if not await self.documents.has_collection(name):
            raise UnknownCollection(f"There is no collection {name!r}.")
        known = self.state.collection_settings.get(name, {})
        self.state.collection_settings[name] = {**known, **settings}
