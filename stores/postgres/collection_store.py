"""Collections as resources: create one, describe it, and limit what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from domain.duplicates import Duplicates
from domain.errors import Conflict, UnknownCollection
from stores.postgres.audit_log import Action, record_action
from stores.postgres.database import Database
from stores.postgres.document_store import COLLECTION_EXISTS
from stores.postgres.schema import COLLECTIONS

NO_SETTINGS: Mapping[str, Any] = {
    "description": "",
    "max_papers": None,
    "max_bytes": None,
    "duplicates": Duplicates.KEEP,
}


class CollectionStore:
    """Creates and changes collections. Safe for concurrent use by several processes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def create(self, name: str, settings: Mapping[str, Any]) -> None:
        """Creates an empty collection with some of NO_SETTINGS. Raises Conflict if it exists."""
        values = {"name": name, "deleted_at": None, **NO_SETTINGS, **settings}
        statement = insert(COLLECTIONS).values(values)
        again = statement.on_conflict_do_update(
            index_elements=[COLLECTIONS.c.name], set_=values, where=~COLLECTION_EXISTS
        )
        async with self.database.begin() as connection:
            if (await connection.execute(again)).rowcount == 0:
                raise Conflict(f"There is a collection {name!r} already. Nothing was changed.")
            await record_action(connection, Action.CREATE_COLLECTION, name, collection=name)

    async def change(self, name: str, settings: Mapping[str, Any]) -> None:
        """Changes these of NO_SETTINGS. Raises UnknownCollection.

        A quota below what the collection holds refuses further papers and deletes none.
        """
        is_known = (COLLECTIONS.c.name == name, COLLECTION_EXISTS)
        statement = update(COLLECTIONS).where(*is_known).values(dict(settings))
        async with self.database.begin() as connection:
            if (await connection.execute(statement)).rowcount == 0:
                raise UnknownCollection(f"There is no collection {name!r}.")
            await record_action(
                connection,
                Action.CHANGE_COLLECTION,
                name,
                collection=name,
                details=dict(settings),
            )
