"""The application role is unprivileged; data folders of older releases are upgraded."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.postgres.database import Database
from stores.postgres.migrate import migrate
from stores.postgres.postgres_roles import APPLICATION, SUPERUSER
from tests.stores.postgres import execute, postgres_stores, superuser_url
from tests.stores.work import admit

FORBIDDEN = (
    "SELECT pg_read_file('/etc/hostname')",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "CREATE ROLE another SUPERUSER",
    "CREATE DATABASE another",
    f"ALTER ROLE {SUPERUSER} PASSWORD 'x'",
    "SELECT rolpassword FROM pg_authid",
    "ALTER SYSTEM SET jit = on",
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.start()
    yield server
    server.stop()


def ask(url: str, statement: str) -> Any:
    async def fetch() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def use_library(server: EmbeddedPostgres) -> None:
    """Runs migrations and admits a paper as the application role."""

    async def use() -> None:
        database = Database(server.url)
        await migrate(database)
        await admit(postgres_stores(database))
        await database.close()

    asyncio.run(use())


def foreign_objects(server: EmbeddedPostgres) -> int:
    """Returns tables, sequences, functions and types that the application role does not own."""
    return ask(
        superuser_url(server),
        "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        f" AND relowner <> '{APPLICATION}'::regrole)"
        " + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        f" AND proowner <> '{APPLICATION}'::regrole)"
        " + (SELECT count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace"
        f" AND typowner <> '{APPLICATION}'::regrole)",
    )


def test_application_role_is_unprivileged(server: EmbeddedPostgres) -> None:
    use_library(server)
    assert ask(server.url, "SELECT current_user") == APPLICATION
    assert ask(server.url, "SELECT count(*) FROM tasks") == 1
    for statement in FORBIDDEN:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            ask(server.url, statement)
    assert foreign_objects(server) == 0


def test_postgres_url_has_no_password_and_files_are_private(server: EmbeddedPostgres) -> None:
    passwords = server.passwords
    files = (passwords.superuser, passwords.application, passwords.passfile)
    secrets = {passwords.superuser.read_text(), passwords.application.read_text()}
    assert len(secrets) == 2 and not any(secret in server.url for secret in secrets)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(server.root.stat().st_mode) == 0o700
    assert not any(secret in server.log.read_text() for secret in secrets)


def test_old_data_folder_gets_application_role_and_keeps_papers(tmp_path: Path) -> None:
    server = older_folder(tmp_path / "postgres")
    kept = server.passwords.application.read_text()
    after = EmbeddedPostgres(server.root)
    for tasks in (1, 2):  # the second start changes nothing
        after.start()
        try:
            assert after.passwords.superuser.read_text() == kept
            assert ask(after.url, "SELECT count(*) FROM tasks") == tasks
            assert foreign_objects(after) == 0
            use_library(after)
            ask(after.url, "ALTER TABLE tasks ADD COLUMN IF NOT EXISTS later integer")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                ask(after.url, FORBIDDEN[0])
        finally:
            after.stop()


def older_folder(root: Path) -> EmbeddedPostgres:
    """The folder of a stopped server of an older release: the superuser owns the tables, and its
    password is in `password`."""
    server = EmbeddedPostgres(root)
    server.start()

    async def fill() -> None:
        database = Database(superuser_url(server))
        await migrate(database)
        await admit(postgres_stores(database))
        await database.close()
        await execute(server, "ALTER SCHEMA public OWNER TO pg_database_owner")
        await execute(server, f"DROP ROLE {APPLICATION}")

    asyncio.run(fill())
    server.stop()
    server.passwords.superuser.replace(server.passwords.application)
    server.passwords.passfile.unlink()
    return server
