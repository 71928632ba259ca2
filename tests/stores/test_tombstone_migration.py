"""The upgrade erases the bibliographic data of documents deleted by an earlier release."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from alembic import command
from sqlalchemy import Connection, text

from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.postgres.database import Database
from stores.postgres.migrate import alembic_config, migrate
from stores.postgres.postgres_roles import APPLICATION
from tests.stores.postgres import execute, url_of

BEFORE = "0004"
ROWS = """
    INSERT INTO collections (name) VALUES ('papers');
    INSERT INTO documents (document_id, collection, sha256, filename, bytes, status, title, authors,
        abstract, latest_version)
    VALUES ('doc_gone', 'papers', 'aa', 'secret.pdf', 10, 'deleted', 'A secret', '[{"name": "x"}]',
            'secret', 3),
        ('doc_kept', 'papers', 'bb', 'kept.pdf', 10, 'ready', 'A title', '[]', 'abstract', 1);
    INSERT INTO jobs (job_id, kind, lane, collection) VALUES ('job', 'upload', 'bulk', 'papers');
    INSERT INTO tasks (task_id, job_id, document_id, collection, version, sha256, filename, lane,
        max_attempts, status)
    SELECT gen_random_uuid(), 'job', document_id, 'papers', 1, sha256, filename, 'bulk', 3,
        'completed'
    FROM documents
"""


@pytest.fixture
async def earlier(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A database of the previous release with a deleted document and a live one."""
    await execute(postgres, f"CREATE DATABASE of_an_earlier_release OWNER {APPLICATION}")
    database = Database(url_of(postgres, "of_an_earlier_release"))
    async with database.begin() as connection:
        await connection.run_sync(_make_tables)
        for statement in ROWS.split(";"):
            await connection.execute(text(statement))
    yield database
    await database.close()
    await execute(postgres, "DROP DATABASE of_an_earlier_release WITH (FORCE)")


def _make_tables(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), BEFORE)


async def test_upgrade_erases_metadata_of_old_tombstones(earlier: Database) -> None:
    await migrate(earlier)
    async with earlier.single() as connection:
        rows = await connection.execute(
            text("SELECT document_id, title, filename, latest_version FROM documents ORDER BY 1")
        )
        assert [tuple(row) for row in rows] == [
            ("doc_gone", None, "", 3),
            ("doc_kept", "A title", "kept.pdf", 1),
        ]
        everything = await connection.execute(
            text("SELECT d::text || t::text FROM documents d JOIN tasks t USING (document_id)")
        )
        assert "secret" not in "".join(everything.scalars())
