"""Opens the connections of a process before its first uploads arrive.

An upload on a new connection takes 20 ms more, and 80 ms more while a folder is ingested: the
server starts a process, which reads the catalog. The first uploads of several clients would all
wait for that.
"""

from __future__ import annotations

import asyncio
import logging

import asyncpg

from domain.errors import DatabaseUnavailable, ServiceNotReady
from stores.postgres.admission import prepare_admission
from stores.postgres.database import Database

log = logging.getLogger(__name__)
BEING_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


async def open_connections(database: Database) -> None:
    """Opens the connections that the pool keeps, and plans an admission on each.

    A server that has fewer is no error: the others are opened when uploads need them. Raises
    ServiceNotReady before the database is migrated.
    """
    all_open = asyncio.Barrier(database.pool_size)  # none returns to the pool earlier
    opened = (_open_one(database, all_open) for _ in range(database.pool_size))
    for failure in await asyncio.gather(*opened, return_exceptions=True):
        if isinstance(failure, BEING_MIGRATED):
            raise ServiceNotReady("The database is being migrated.") from failure
        if isinstance(failure, DatabaseUnavailable):
            log.warning("Connections are opened when uploads need them: %s", failure)
            return
        if failure is not None and not isinstance(failure, asyncio.BrokenBarrierError):
            raise failure


async def _open_one(database: Database, all_open: asyncio.Barrier) -> None:
    try:
        async with database.driver() as connection:
            await prepare_admission(connection)
            await all_open.wait()
    except BaseException:
        await all_open.abort()
        raise
