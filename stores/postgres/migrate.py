"""Runs the schema migrations. Safe if several processes start at the same time."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from domain.errors import DatabaseBusy, SchemaTooNew
from stores.postgres.database import Database
from stores.postgres.postgres_session import SessionLimits

log = logging.getLogger(__name__)
# An arbitrary constant: "paperwk" in ASCII, so that it is recognisable in pg_locks.
ADVISORY_LOCK = 0x7061706572776B
MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_TRIES = 5
# Statements have no timeout, because creating an index on a large table takes minutes. The lock
# timeout is short, because all other sessions queue behind a migration that waits for a lock.
LIMITS = SessionLimits(command_seconds=None, idle_in_transaction_seconds=600, lock_seconds=5)


async def migrate(database: Database, scripts: Path = MIGRATIONS) -> None:
    """Upgrades the schema to this release. Returns when it is up to date.

    Applies all missing migrations in one transaction, all or none. Raises SchemaTooNew for the
    schema of a newer release, DatabaseBusy if a lock was not granted in LOCK_TRIES attempts (also
    while another process migrates), and DatabaseUnavailable.
    """
    for tries_left in reversed(range(LOCK_TRIES)):
        try:
            async with database.dedicated(LIMITS) as connection, connection.begin():
                await connection.run_sync(upgrade, scripts)
            return
        except DatabaseBusy:
            if not tries_left:
                raise
            log.info(
                "The migration is waiting for a lock held by another session.",
                extra={"action": "migration_waits"},
            )
            await asyncio.sleep(0.5)


def upgrade(connection: Connection, scripts: Path = MIGRATIONS) -> None:
    """Applies the missing migrations; holds an advisory lock until the transaction ends."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text(f"SET LOCAL lock_timeout = '{LIMITS.lock_seconds:g}s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    config = alembic_config(connection, scripts)
    if _is_behind(connection, config):
        command.upgrade(config, "head")


def alembic_config(connection: Connection, scripts: Path = MIGRATIONS) -> Config:
    """Returns the Alembic configuration for an open connection."""
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = _Progress()
    return config


def _is_behind(connection: Connection, config: Config) -> bool:
    """True if migrations are missing. Raises SchemaTooNew for an unknown revision."""
    current = set(MigrationContext.configure(connection).get_current_heads())
    known = ScriptDirectory.from_config(config)
    unknown = current - {script.revision for script in known.walk_revisions()}
    if unknown:
        raise SchemaTooNew(
            f"The database was migrated to revision {', '.join(sorted(unknown))} by a newer "
            f"release; this one knows {known.get_current_head()}. Nothing was changed. Run the "
            "newer release, or restore a backup made before its start."
        )
    heads = set(known.get_heads())
    if current != heads:
        log.info(
            "Migrating the database from %s to %s; this takes minutes for a large library.",
            ", ".join(sorted(current)) or "nothing",
            ", ".join(sorted(heads)),
            extra={"action": "migration_begins"},
        )
    return current != heads


class _Progress:
    """Logs each migration with its duration in seconds."""

    def __init__(self) -> None:
        self._started_at = time.monotonic()

    def __call__(self, *, step: Any, **_: Any) -> None:
        now = time.monotonic()
        log.info(
            "Migration %s applied in %.1f s: %s",
            step.up_revision_id,
            now - self._started_at,
            step.up_revision.doc,
            extra={"action": "migration_applied", "revision": step.up_revision_id},
        )
        self._started_at = now
