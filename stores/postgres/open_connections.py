"""Opens the connections of a process before its first uploads arrive.

An upload on a new connection takes 20 ms more, and 80 ms more while a folder is ingested: the
server starts a process, which reads the catalog. The first uploads of several clients would all
wait for that.
"""

from __future__ import annotations

import asyncio

import asyncpg

from domain.errors import PaperworksError, ServiceNotReady
from stores.postgres.admission import prepare_admission
from stores.postgres.database import Database

BEING_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


async def open_connections(database: Database) -> None:
    """Opens the connections that the pool keeps, ready for an admission.

    Raises DatabaseUnavailable, and ServiceNotReady before the database is migrated.
    """
    all_open = asyncio.Barrier(database.pool_size)  # none returns to the pool earlier
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(database.pool_size):
                group.create_task(_open_one(database, all_open))
    except* BEING_MIGRATED as errors:
        raise ServiceNotReady("The database is being migrated.") from errors
    except* PaperworksError as errors:
        raise errors.exceptions[0] from errors


async def _open_one(database: Database, all_open: asyncio.Barrier) -> None:
    async with database.driver() as connection:
        await prepare_admission(connection)
        await all_open.wait()
