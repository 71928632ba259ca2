"""The audit log: who uploaded and deleted papers, and who changed keys and webhooks.

An entry is written in the transaction of its action, so there is none without the other. It holds
ids and numbers, no titles and no file names: a deleted paper leaves nothing readable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.jobs import CursorPage
from stores.postgres.cursors import decode_offset, encode_offset
from stores.postgres.database import Database
from stores.postgres.schema import AUDIT_LOG

_ACTOR: ContextVar[str] = ContextVar("actor", default="service")


class Action(StrEnum):
    """What was done."""

    UPLOAD = "upload"
    DELETE_DOCUMENT = "delete_document"
    MOVE_DOCUMENT = "move_document"
    REPLACE_DOCUMENT = "replace_document"
    CREATE_COLLECTION = "create_collection"
    CHANGE_COLLECTION = "change_collection"
    DELETE_COLLECTION = "delete_collection"
    CREATE_KEY = "create_key"
    REVOKE_KEY = "revoke_key"
    CREATE_WEBHOOK = "create_webhook"
    CHANGE_WEBHOOK = "change_webhook"
    DELETE_WEBHOOK = "delete_webhook"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An action: `subject` is the id of a job, document, collection, key or webhook."""

    entry_id: int
    at: datetime
    actor: str
    action: Action
    subject: str
    collection: str | None
    details: Mapping[str, Any]


def actor() -> str:
    """Returns who acts: `key <id>`, the address of a client, or `service`."""
    return _ACTOR.get()


def set_actor(name: str) -> None:
    """Names the actor of the current request."""
    _ACTOR.set(name)


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Names the actor inside the block."""
    token = _ACTOR.set(name)
    try:
        yield
    finally:
        _ACTOR.reset(token)


async def record_action(
    connection: AsyncConnection,
    action: Action,
    *subjects: str,
    collection: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Adds an entry for each subject to the transaction."""
    common = {"actor": actor(), "action": action, "collection": collection}
    rows = [{**common, "subject": subject, "details": details or {}} for subject in subjects]
    if rows:
        await connection.execute(insert(AUDIT_LOG), rows)


class AuditLog:
    """Reads the log. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def list(self, *, cursor: str | None = None, limit: int = 50) -> CursorPage[AuditEntry]:
        """Returns a page of entries, latest first. Raises InvalidRequest for a bad cursor."""
        statement = select(AUDIT_LOG).order_by(AUDIT_LOG.c.entry_id.desc()).limit(limit + 1)
        if before := decode_offset(cursor):
            statement = statement.where(AUDIT_LOG.c.entry_id < before)
        async with self.database.single() as connection:
            rows = (await connection.execute(statement)).all()
        items = [
            AuditEntry(**{**row._mapping, "action": Action(row.action)}) for row in rows[:limit]
        ]
        has_more = len(rows) > limit
        return CursorPage(items, encode_offset(items[-1].entry_id) if has_more else None)
