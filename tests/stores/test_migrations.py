"""Migrations: they make the tables of `stores.tables`, once, however many processes start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlmodel import SQLModel

from stores import tables
from stores.database import Database
from stores.embedded_postgres import EmbeddedPostgres
from stores.migrate import migrate
from tests.stores.postgres import execute, url_of


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A database without any tables."""
    await execute(postgres, "CREATE DATABASE not_migrated")
    database = Database(url_of(postgres, "not_migrated"))
    yield database
    await database.close()
    await execute(postgres, "DROP DATABASE not_migrated WITH (FORCE)")


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return compare_metadata(context, SQLModel.metadata)


def checks(connection: Connection) -> set[tuple[str, str | None]]:
    found = inspect(connection)
    return {(t, c["name"]) for t in found.get_table_names() for c in found.get_check_constraints(t)}


async def test_migrations_make_the_tables_of_this_release(database: Database) -> None:
    async with database.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_states_are_checked_by_the_database(database: Database) -> None:
    declared = {
        (table.name, constraint.name)
        for table in (tables.DOCUMENTS, tables.JOBS, tables.TASKS)
        for constraint in table.constraints
        if str(constraint.name).endswith("_known")
    }
    async with database.begin() as connection:
        assert await connection.run_sync(checks) == declared


async def test_migrating_again_changes_nothing(empty: Database) -> None:
    await migrate(empty)
    await migrate(empty)
    async with empty.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_processes_may_migrate_at_the_same_time(empty: Database) -> None:
    await asyncio.gather(*(migrate(empty) for _ in range(4)))
    async with empty.begin() as connection:
        assert await connection.run_sync(differences) == []
