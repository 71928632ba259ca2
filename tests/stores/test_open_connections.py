"""The connections of a process are open before its first uploads, and prepared without a trace."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import TextClause, text

from domain.errors import ServiceNotReady
from domain.jobs import Upload
from runtime.ports import free_port
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore
from stores.postgres.migrate import migrate
from stores.postgres.open_connections import open_connections
from tests.stores.test_migrations import empty  # noqa: F401 - a fixture

CONNECTIONS = text(
    "SELECT array_agg(pid ORDER BY pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND backend_type = 'client backend'"
)
ROWS = text(
    "SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM tasks) "
    "+ (SELECT count(*) FROM documents) + (SELECT count(*) FROM collections) "
    "+ (SELECT count(*) FROM audit_log)"
)


async def value(database: Database, query: TextClause) -> object:
    async with database.single() as connection:
        return (await connection.execute(query)).scalar_one()


async def test_open_connections_admit_without_another_one(database: Database) -> None:
    await open_connections(database)
    opened = await value(database, CONNECTIONS)
    assert isinstance(opened, list) and len(opened) == database.pool_size
    uploads = [Upload("a.pdf", f"{n:064x}", 10) for n in range(database.pool_size)]
    jobs = JobStore(database)
    await asyncio.gather(*(jobs.admit("papers", [upload]) for upload in uploads))
    assert await value(database, CONNECTIONS) == opened


async def test_opening_admits_nothing(database: Database) -> None:
    before = await value(database, ROWS)
    await open_connections(database)
    assert await value(database, ROWS) == before


async def test_pool_opens_after_the_migration(empty: Database) -> None:  # noqa: F811
    with pytest.raises(ServiceNotReady, match="being migrated"):
        await open_connections(empty)
    await migrate(empty)
    await open_connections(empty)


async def test_server_without_enough_connections_is_no_error(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    small = Database(str(database.address.dsn), pool_size=3)
    refused = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/none", pool_size=3)
    for one in (small, refused):
        await open_connections(one)
        await one.close()
    assert caplog.text.count("Connections are opened when uploads need them") == 1
