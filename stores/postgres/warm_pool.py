"""Connections that are opened before the first uploads arrive."""

from __future__ import annotations

import asyncio

import asyncpg

from domain.errors import PaperworksError, ServiceNotReady
from stores.postgres.admission import prepare_admission
from stores.postgres.database import Database

BEING_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


class WarmPool:
    """The connections of a process that admits uploads.

    An upload on a new connection takes 20 ms more, and 80 ms more while a folder is ingested: the
    server starts a process, which reads the catalog. The first uploads of several clients would all
    wait for that.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_open = False

    async def open(self) -> None:
        """Opens the connections that the pool keeps, ready for an admission. Idempotent.

        Raises DatabaseUnavailable, and ServiceNotReady before the database is migrated.
        """
        if self._is_open:
            return
        all_open = asyncio.Barrier(self._database.pool_size)  # none returns to the pool earlier
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._database.pool_size):
                    group.create_task(self._open_one(all_open))
        except* BEING_MIGRATED as errors:
            raise ServiceNotReady("The database is being migrated.") from errors
        except* PaperworksError as errors:
            raise errors.exceptions[0] from errors
        self._is_open = True

    async def _open_one(self, all_open: asyncio.Barrier) -> None:
        async with self._database.driver() as connection:
            await prepare_admission(connection)
            await all_open.wait()
