"""The library id in PostgreSQL, and lookups of documents and digests of the other stores."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, func, select, update

from domain.errors import ServiceNotReady
from stores.postgres.database import Database
from stores.postgres.schema import DOCUMENTS, LIBRARY


@dataclass(frozen=True, slots=True)
class LibraryRecord:
    """The library of a database. `milvus_name` is None until a JobManager has chosen it."""

    library_id: str
    milvus_name: str | None


class LibraryStore:
    """Reads and writes the library record. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def record(self) -> LibraryRecord:
        """Returns the library of this database."""
        async with self.database.single() as connection:
            row = (
                await connection.execute(select(LIBRARY.c.library_id, LIBRARY.c.milvus_name))
            ).one()
        return LibraryRecord(str(row.library_id), row.milvus_name)

    async def set_milvus_name(self, name: str) -> str:
        """Sets the alias of the Milvus collection if there is none; returns the stored alias."""
        chosen = func.coalesce(LIBRARY.c.milvus_name, name)
        statement = update(LIBRARY).values(milvus_name=chosen).returning(LIBRARY.c.milvus_name)
        async with self.database.single() as connection:
            return (await connection.execute(statement)).scalar_one()

    async def known_documents(self, document_ids: Collection[str]) -> set[str]:
        """Returns those of the ids that belong to a document, tombstones included."""
        return await self._known(DOCUMENTS.c.document_id, document_ids)

    async def known_digests(self, digests: Collection[str]) -> set[str]:
        """Returns those of the SHA-256 digests that belong to a document, tombstones included."""
        return await self._known(DOCUMENTS.c.sha256, digests)

    async def _known(self, column: Column[Any], values: Collection[str]) -> set[str]:
        async with self.database.single() as connection:
            rows = await connection.execute(select(column).where(column.in_(values)))
            return set(rows.scalars())


def read_milvus_name(database_url: str) -> str:
    """Returns the alias of the Milvus collection; for threads without an event loop.

    Raises ServiceNotReady before a JobManager has chosen the alias, and DatabaseUnavailable.
    """
    return asyncio.run(_milvus_name(Database(database_url, pool_size=1)))


async def _milvus_name(database: Database) -> str:
    try:
        record = await LibraryStore(database).record()
    finally:
        await database.close()
    if record.milvus_name is None:
        raise ServiceNotReady
    return record.milvus_name
