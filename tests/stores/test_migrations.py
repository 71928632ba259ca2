"""Migrations create the tables of `stores.postgres.schema` once, also with concurrent starts."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, inspect
from sqlmodel import SQLModel

import stores.postgres.schema  # noqa: F401  (registers the tables)
from domain.errors import DatabaseBusy, DatabaseUnavailable, SchemaTooNew
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.postgres import migrate as module
from stores.postgres.database import Database
from stores.postgres.migrate import MIGRATIONS, migrate
from stores.postgres.postgres_roles import APPLICATION
from stores.postgres.postgres_session import SessionLimits
from tests.stores.postgres import execute, url_of


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A database without any tables."""
    await execute(postgres, f"CREATE DATABASE not_migrated OWNER {APPLICATION}")
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


async def test_migrations_create_tables_of_schema(database: Database) -> None:
    async with database.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_check_constraints_cover_all_states(database: Database) -> None:
    declared = {
        (table.name, constraint.name)
        for table in SQLModel.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    async with database.begin() as connection:
        assert await connection.run_sync(checks) == declared


async def test_migrate_is_idempotent(empty: Database) -> None:
    await migrate(empty)
    await migrate(empty)
    async with empty.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_concurrent_migrations_are_safe(empty: Database) -> None:
    await asyncio.gather(*(migrate(empty) for _ in range(4)))
    async with empty.begin() as connection:
        assert await connection.run_sync(differences) == []


SLOW = """
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE slow AS SELECT 1 AS x FROM pg_sleep(1.0)")
"""


def scripts_with(folder: Path, migration: str) -> Path:
    """Copies the Alembic environment and adds a single migration."""
    (folder / "versions").mkdir(parents=True)
    shutil.copy(MIGRATIONS / "env.py", folder)
    (folder / "versions" / "0001_only.py").write_text(migration)
    return folder


@pytest.fixture
async def short_timeout(empty: Database) -> AsyncIterator[Database]:
    """The same database with a timeout of 0.3 s."""
    url = empty.address.dsn
    database = Database(url, limits=SessionLimits(command_seconds=0.3))
    yield database
    await database.close()


async def test_migration_has_no_statement_timeout(
    short_timeout: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with short_timeout.single() as connection:
            await connection.exec_driver_sql("SELECT pg_sleep(1.0)")
    with caplog.at_level(logging.INFO, "stores.postgres.migrate"):
        await migrate(short_timeout, scripts_with(tmp_path / "scripts", SLOW))
    async with short_timeout.single() as connection:
        found = await connection.exec_driver_sql("SELECT count(*) FROM slow")
        assert found.scalar_one() == 1
    said = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("Migration 0001 applied in 1.") for line in said), said


async def test_migrate_rejects_schema_of_newer_release(empty: Database) -> None:
    await migrate(empty)
    async with empty.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match=r"9999 by a newer release"):
        await migrate(empty)
    async with empty.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_migration_retries_after_lock_timeout(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All other sessions would queue behind it."""
    monkeypatch.setattr(module, "LIMITS", SessionLimits(command_seconds=None, lock_seconds=0.2))
    async with empty.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE busy (x int)")
    scripts = scripts_with(
        tmp_path / "scripts",
        SLOW.replace(
            "CREATE TABLE slow AS SELECT 1 AS x FROM pg_sleep(1.0)",
            "ALTER TABLE busy ADD COLUMN y int",
        ),
    )
    async with empty.begin() as holder:
        await holder.exec_driver_sql("SELECT * FROM busy")
        with pytest.raises(DatabaseBusy):
            await migrate(empty, scripts)
        waiting = asyncio.create_task(migrate(empty, scripts))
        await asyncio.sleep(0.5)
        assert not waiting.done()
    await waiting
    async with empty.single() as connection:
        await connection.exec_driver_sql("SELECT y FROM busy")
