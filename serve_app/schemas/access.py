"""Schemas of keys, of the access of a client, and of the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from domain.access import Scope
from serve_app.schemas.core import CollectionName, Wire


def _sorted(values: Iterable[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


Scopes = Annotated[list[Scope], BeforeValidator(_sorted)]
CollectionNames = Annotated[list[CollectionName] | None, BeforeValidator(_sorted)]


class Access(Wire):
    """What the client may do. `collections` null: all."""

    actor: str
    scopes: Scopes
    collections: CollectionNames = None


class Key(Wire):
    """An API key without its token. `last_used_at` is accurate to a minute."""

    key_id: str
    name: str
    scopes: Scopes
    collections: CollectionNames = None
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class CreatedKey(Key):
    """A new key. `token` is shown only here; it is stored nowhere."""

    token: str


class Keys(Wire):
    """All keys, newest first."""

    items: list[Key]


class AuditEntry(Wire):
    """An action. `subject` is the id of a job, document, collection, key or webhook."""

    entry_id: int
    at: datetime
    actor: str
    action: str
    subject: str
    collection: CollectionName | None = None
    details: dict[str, Any]
