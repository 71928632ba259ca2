"""Brings the tables up to date; safe when several processes start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from stores.database import Database

# Any constant will do; this one is "paperwk" in ASCII, so that it can be recognised in pg_locks.
ADVISORY_LOCK = 0x7061706572776B


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for a connection that is already open."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Applies every migration that is missing; the lock is held until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    command.upgrade(alembic_config(connection), "head")


async def migrate(database: Database) -> None:
    """Returns when the tables are those of this release. Raises DatabaseUnavailable."""
    async with database.begin() as connection:
        await connection.run_sync(upgrade)
