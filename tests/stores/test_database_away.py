"""PostgreSQL is unavailable, closes the connection, or was never reachable."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from domain.errors import DatabaseUnavailable
from domain.jobs import JobStatus
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.postgres.database import Database
from stores.postgres.task_queue import TaskQueue
from tests.stores.postgres import postgres_stores
from tests.stores.work import (
    DONE,
    admit,
    begin,
    claim,
)


async def test_unavailable_postgres_raises_and_recovers(
    postgres: EmbeddedPostgres, database: Database
) -> None:
    stores = postgres_stores(database)
    task = await begin(stores)
    await asyncio.to_thread(postgres.stop)
    try:
        for ask in (
            lambda: claim(stores),
            lambda: admit(stores),
            lambda: stores.queue.finish(task, DONE),
            lambda: stores.jobs.job(task.job_id),
            lambda: stores.documents.get(task.document_id),
            database.ping,
        ):
            with pytest.raises(DatabaseUnavailable):
                await ask()
    finally:
        postgres.start()
    await stores.queue.finish(task, DONE)
    await database.ping()
    assert (await stores.jobs.job(task.job_id)).status == JobStatus.COMPLETED


async def test_connection_lost_during_statement_raises_unavailable(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.begin() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    await database.ping()


async def test_closed_postgres_port_raises_unavailable() -> None:
    database = Database("postgres://nobody:secret@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable):
        await TaskQueue(database).depths()
    await database.close()


async def test_driver_connection_raises_unavailable_on_disconnect(
    database: Database,
) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.driver() as connection:
            await connection.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")
    async with database.driver() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    nowhere = Database("postgres://nobody:secret@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable):
        async with nowhere.driver() as connection:
            await connection.fetchval("SELECT 1")
    await nowhere.close()
