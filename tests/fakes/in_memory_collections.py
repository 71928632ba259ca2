"""An in-memory fake of `stores.postgres.collection_store.CollectionStore`, without quotas."""

from __future__ import annotations

from collections.abc import ItemsView, Mapping
from datetime import UTC, datetime
from typing import Any

from domain.collection_names import CollectionNames
from domain.errors import Conflict, UnknownCollection
from stores.protocols import DocumentStore
from tests.fakes.in_memory_state import State


class InMemoryCollectionStore:
    """Creates and changes collections."""

    def __init__(self, state: State, documents: DocumentStore) -> None:
        self.state = state
        self.documents = documents

    async def names(self) -> CollectionNames:
        """Like `CollectionStore.names`."""
        given = {one: held["name"] for one, held in self._settings if "name" in held}
        return CollectionNames({one: name for one, name in given.items() if one != name})

    async def create(self, name: str, settings: Mapping[str, Any]) -> None:
        """Like `CollectionStore.create`."""
        await self._require_free(name, but=None)
        self.state.collections.setdefault(name, datetime.now(UTC))
        self.state.deleted_collections.discard(name)
        self.state.collection_settings[name] = dict(settings)

    async def change(self, collection_id: str, settings: Mapping[str, Any]) -> None:
        """Like `CollectionStore.change`."""
        if not await self.documents.has_collection(collection_id):
            raise UnknownCollection(f"There is no collection {collection_id!r}.")
        if "name" in settings:
            await self._require_free(settings["name"], but=collection_id)
        known = self.state.collection_settings.get(collection_id, {})
        self.state.collection_settings[collection_id] = {**known, **settings}

    @property
    def _settings(self) -> ItemsView[str, dict[str, Any]]:
        return self.state.collection_settings.items()

    async def _require_free(self, name: str, *, but: str | None) -> None:
        is_known = name != but and await self.documents.has_collection(name)
        if is_known or any(one != but and held.get("name") == name for one, held in self._settings):
            raise Conflict(f"There is a collection {name!r} already. Nothing was changed.")
