"""In-memory fakes of `KeyStore`, `AuditLog` and `RequestCounts`."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from domain.access import TOKEN, ApiKey, Scope, check_new_key, new_token
from domain.errors import NotFound
from domain.jobs import CursorPage
from stores.postgres.audit_log import AuditEntry
from stores.postgres.request_counts import Usage
from tests.fakes.in_memory_state import utc_now


class InMemoryKeyStore:
    """Keys and sessions; tokens are kept as they are."""

    def __init__(self) -> None:
        self.keys: dict[str, ApiKey] = {}
        self.tokens: dict[str, str] = {}
        self.sessions: dict[str, str] = {}

    async def create(
        self,
        name: str,
        scopes: Collection[Scope],
        collections: Collection[str] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Like `KeyStore.create`."""
        check_new_key(name, scopes, collections)
        key_id, _, token = new_token()
        limits = None if collections is None else frozenset(collections)
        self.keys[key_id] = ApiKey(key_id, name, frozenset(scopes), limits, utc_now(), expires_at)
        self.tokens[token] = key_id
        return self.keys[key_id], token

    async def list(self) -> list[ApiKey]:
        """Like `KeyStore.list`."""
        return sorted(self.keys.values(), key=lambda key: key.created_at, reverse=True)

    async def revoke(self, key_id: str) -> None:
        """Like `KeyStore.revoke`."""
        if key_id not in self.keys:
            raise NotFound(f"There is no key {key_id!r}; list them with `paperworks keys list`.")
        self.keys[key_id] = replace(self.keys[key_id], revoked_at=utc_now())

    async def find(self, token: str) -> ApiKey | None:
        """Like `KeyStore.find`."""
        return self._valid(self.tokens.get(token)) if TOKEN.fullmatch(token) else None

    async def open_session(self, key: ApiKey) -> str:
        """Like `KeyStore.open_session`."""
        secret = secrets.token_urlsafe()
        self.sessions[secret] = key.key_id
        return secret

    async def find_session(self, secret: str) -> ApiKey | None:
        """Like `KeyStore.find_session`."""
        return self._valid(self.sessions.get(secret))

    async def close_session(self, secret: str) -> None:
        """Like `KeyStore.close_session`."""
        self.sessions.pop(secret, None)

    def _valid(self, key_id: str | None) -> ApiKey | None:
        key = self.keys.get(key_id or "")
        return key if key is not None and key.is_valid(utc_now()) else None


class InMemoryAuditLog:
    """A log without entries: the stores on PostgreSQL write it."""

    async def list(self, *, cursor: str | None = None, limit: int = 50) -> CursorPage[AuditEntry]:
        """Like `AuditLog.list`."""
        return CursorPage([], None)


class InMemoryRequestCounts:
    """Counts the requests of one minute that never ends."""

    def __init__(self) -> None:
        self.used = Counter[str]()

    async def count(self, client: str) -> Usage:
        """Like `RequestCounts.count`."""
        self.used[client] += 1
        return Usage(self.used[client], 30)
