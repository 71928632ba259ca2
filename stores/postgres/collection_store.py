"""Collections as resources: create, describe and rename one, and limit what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.collection_names import CollectionNames, name_of
from domain.duplicates import Duplicates
from domain.errors import Conflict, UnknownCollection
from stores.postgres.audit_log import Action, record_action
from stores.postgres.database import Database
from stores.postgres.document_store import COLLECTION_EXISTS, PRESENT_NAME
from stores.postgres.schema import COLLECTIONS

NO_SETTINGS: Mapping[str, Any] = {
    "description": "",
    "max_papers": None,
    "max_bytes": None,
    "duplicates": Duplicates.KEEP,
}
# Two collections that get a name at the same time wait for each other; a collection that gets the
# name of another waits for running uploads, which may create one of that name.
LOCK_NAMES = text("LOCK TABLE collections IN SHARE ROW EXCLUSIVE MODE")
LOCK_UPLOADS = text("LOCK TABLE documents IN SHARE ROW EXCLUSIVE MODE")


class CollectionStore:
    """Creates and changes collections. Safe for concurrent use by several processes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def names(self) -> CollectionNames:
        """Returns the present names of the renamed collections."""
        renamed = select(COLLECTIONS.c.name, COLLECTIONS.c.display_name).where(
            COLLECTIONS.c.display_name.is_not(None)
        )
        async with self.database.single() as connection:
            rows = await connection.execute(renamed)
            return CollectionNames({row.name: row.display_name for row in rows})

    async def create(self, name: str, settings: Mapping[str, Any]) -> None:
        """Creates an empty collection with some of NO_SETTINGS. Raises Conflict if it exists."""
        values = {"name": name, "deleted_at": None, **NO_SETTINGS, **settings}
        statement = insert(COLLECTIONS).values(values)
        again = statement.on_conflict_do_update(
            index_elements=[COLLECTIONS.c.name], set_=values, where=~COLLECTION_EXISTS
        )
        async with self.database.begin() as connection:
            await connection.execute(LOCK_NAMES)
            await _require_free(connection, name, but=None)
            await connection.execute(again)
            await record_action(connection, Action.CREATE_COLLECTION, name, collection=name)

    async def change(self, collection_id: str, settings: Mapping[str, Any]) -> None:
        """Changes these of NO_SETTINGS, and the `name`. Raises UnknownCollection, Conflict.

        A quota below what the collection holds refuses further papers and deletes none. A name is
        free if no other collection has it or had it first. A new name waits for running uploads;
        DatabaseBusy after five seconds.
        """
        values = dict(settings)
        async with self.database.begin() as connection:
            if (name := values.pop("name", None)) is not None:
                await connection.execute(LOCK_NAMES)
                await connection.execute(LOCK_UPLOADS)
                await _require_free(connection, name, but=collection_id)
                values["display_name"] = None if name == collection_id else name
            await _change(connection, collection_id, values)
            await record_action(
                connection,
                Action.CHANGE_COLLECTION,
                collection_id,
                collection=collection_id,
                details=dict(settings),
            )


async def _require_free(connection: AsyncConnection, name: str, *, but: str | None) -> None:
    """Raises Conflict if a collection other than this one has the name, or had it first."""
    has_name = or_(COLLECTIONS.c.name == name, COLLECTIONS.c.display_name == name)
    taken = select(COLLECTIONS.c.name, PRESENT_NAME).where(has_name, COLLECTION_EXISTS)
    for collection_id, present in await connection.execute(taken):
        if collection_id == but:
            continue
        if present == name:
            raise Conflict(f"There is a collection {name!r} already. Nothing was changed.")
        raise Conflict(
            f"{name!r} is the first name of the collection {present!r} and leads to it. Nothing "
            "was changed; choose another name."
        )


async def _change(
    connection: AsyncConnection, collection_id: str, values: Mapping[str, Any]
) -> None:
    known = update(COLLECTIONS).where(COLLECTIONS.c.name == collection_id, COLLECTION_EXISTS)
    if (await connection.execute(known.values(dict(values)))).rowcount == 0:
        raise UnknownCollection(f"There is no collection {name_of(collection_id)!r}.")
