"""API keys and the sessions of web browsers that signed in with a key."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.access import (
    KEY_ID,
    SECRET_BYTES,
    TOKEN,
    ApiKey,
    Scope,
    check_new_key,
    digest_of,
    is_digest_of,
    new_token,
)
from domain.errors import NotFound
from stores.postgres.audit_log import Action, record_action
from stores.postgres.database import NOW, Database, seconds
from stores.postgres.schema import API_KEYS, SESSIONS

SESSION_SECONDS = 12 * 3600
LAST_USE_SECONDS = 60  # accuracy of `last_used_at`: a key in use is not written at each request
IS_VALID: ColumnElement[bool] = API_KEYS.c.revoked_at.is_(None) & or_(
    API_KEYS.c.expires_at.is_(None), API_KEYS.c.expires_at > NOW
)


class KeyStore:
    """Creates, finds and revokes keys. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def create(
        self,
        name: str,
        scopes: Collection[Scope],
        collections: Collection[str] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Creates a key; returns it and its token, which is stored nowhere. Raises InvalidRequest.

        The key is limited to `collections` if they are given.
        """
        check_new_key(name, scopes, collections)
        key_id, secret, token = new_token()
        columns = {
            "key_id": key_id,
            "name": name,
            "digest": digest_of(secret),
            "scopes": sorted(scopes),
            "collections": None if collections is None else sorted(collections),
            "expires_at": expires_at,
        }
        async with self.database.begin() as connection:
            statement = insert(API_KEYS).values(**columns).returning(API_KEYS)
            row = (await connection.execute(statement)).one()
            details = {"name": name, "scopes": columns["scopes"]}
            await record_action(connection, Action.CREATE_KEY, key_id, details=details)
        return _key_of(row), token

    async def list(self) -> list[ApiKey]:
        """Returns all keys, newest first; revoked and expired ones too."""
        statement = select(API_KEYS).order_by(API_KEYS.c.created_at.desc(), API_KEYS.c.key_id)
        async with self.database.single() as connection:
            return [_key_of(row) for row in await connection.execute(statement)]

    async def revoke(self, key_id: str) -> None:
        """Makes a key and its sessions invalid. Idempotent. Raises NotFound."""
        error = NotFound(f"There is no key {key_id!r}; list them with `paperworks keys list`.")
        if not KEY_ID.fullmatch(key_id):
            raise error
        revoked = update(API_KEYS).where(
            API_KEYS.c.key_id == key_id, API_KEYS.c.revoked_at.is_(None)
        )
        async with self.database.begin() as connection:
            if not await _exists(connection, API_KEYS.c.key_id == key_id):
                raise error
            if (await connection.execute(revoked.values(revoked_at=NOW))).rowcount:
                await connection.execute(delete(SESSIONS).where(SESSIONS.c.key_id == key_id))
                await record_action(connection, Action.REVOKE_KEY, key_id)

    async def find(self, token: str) -> ApiKey | None:
        """Returns the valid key with this token; None for an unknown, revoked or expired one."""
        match = TOKEN.fullmatch(token)
        if match is None:
            return None
        row = await self._used(select(API_KEYS), API_KEYS.c.key_id == match["key_id"])
        return _key_of(row) if row and is_digest_of(match["secret"], row.digest) else None

    # --- sessions

    async def open_session(self, key: ApiKey) -> str:
        """Returns the secret of a new session, which is valid for SESSION_SECONDS.

        It ends earlier if the key is revoked or expires.
        """
        secret = secrets.token_urlsafe(SECRET_BYTES)
        columns = {"digest": digest_of(secret), "key_id": key.key_id}
        expires = NOW + seconds(SESSION_SECONDS)
        async with self.database.begin() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < NOW))
            await connection.execute(insert(SESSIONS).values(**columns, expires_at=expires))
        return secret

    async def find_session(self, secret: str) -> ApiKey | None:
        """Returns the key of a session that has not ended, None otherwise."""
        of_session = select(API_KEYS).join(SESSIONS, SESSIONS.c.key_id == API_KEYS.c.key_id)
        conditions = (SESSIONS.c.digest == digest_of(secret), SESSIONS.c.expires_at > NOW)
        row = await self._used(of_session, *conditions)
        return _key_of(row) if row else None

    async def close_session(self, secret: str) -> None:
        """Ends a session. Idempotent."""
        ended = delete(SESSIONS).where(SESSIONS.c.digest == digest_of(secret))
        async with self.database.single() as connection:
            await connection.execute(ended)

    async def _used(self, statement: Any, *conditions: ColumnElement[bool]) -> Row[Any] | None:
        """Returns the valid key that the statement finds; records its use."""
        async with self.database.single() as connection:
            row = (await connection.execute(statement.where(*conditions, IS_VALID))).first()
            if row is not None:
                await connection.execute(_record_use(row.key_id))
        return row


def _record_use(key_id: str) -> Any:
    last = API_KEYS.c.last_used_at
    is_old = or_(last.is_(None), last < NOW - seconds(LAST_USE_SECONDS))
    return update(API_KEYS).where(API_KEYS.c.key_id == key_id, is_old).values(last_used_at=NOW)


async def _exists(connection: AsyncConnection, condition: ColumnElement[bool]) -> bool:
    return bool((await connection.execute(select(exists().where(condition)))).scalar())


def _key_of(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        scopes=frozenset(map(Scope, row.scopes)),
        collections=None if row.collections is None else frozenset(row.collections),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
