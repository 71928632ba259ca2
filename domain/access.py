"""Who may do what: the scopes of API keys, and the access that a request has."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import InvalidRequest

TOKEN = re.compile(r"^pw_(?P<key_id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})$")
KEY_ID = re.compile(r"^[0-9a-f]{12}$")
SECRET_BYTES = 32  # 256 random bits need no slow hash: they cannot be guessed from their digest
MAX_NAME_CHARACTERS = 100


class Scope(StrEnum):
    """What a key may do. `ADMIN` includes the others."""

    SEARCH = "search"
    """Search, and read papers and jobs."""
    INGEST = "ingest"
    """Upload, process again, correct and delete papers; read and control jobs."""
    ADMIN = "admin"
    """Everything, also keys, the audit log, whole collections and the state of the service."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a request may do. `actor` names the key in the audit log; `collections` None: all."""

    actor: str
    scopes: frozenset[Scope]
    collections: frozenset[str] | None = None

    def may(self, *scopes: Scope) -> bool:
        """True if the access includes one of the scopes."""
        return Scope.ADMIN in self.scopes or not self.scopes.isdisjoint(scopes)

    def sees(self, collection: str) -> bool:
        """True if the collection belongs to the access."""
        return self.collections is None or collection in self.collections


UNLIMITED = Access("anyone", frozenset(Scope))
"""The access of every request to a service without keys."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key; only the digest of its secret is stored. `collections` None: all."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    collections: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def access(self) -> Access:
        """The access of a request with this key."""
        return Access(f"key {self.key_id}", self.scopes, self.collections)

    def is_valid(self, now: datetime) -> bool:
        """True unless the key was revoked or has expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def new_token() -> tuple[str, str, str]:
    """Returns the id of a new key, its random secret, and the token, which contains both."""
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(SECRET_BYTES)
    return key_id, secret, f"pw_{key_id}_{secret}"


def digest_of(secret: str) -> bytes:
    """Returns the SHA-256 digest under which a random secret is stored."""
    return hashlib.sha256(secret.encode()).digest()


def is_digest_of(secret: str, digest: bytes) -> bool:
    """True if the digest belongs to the secret; compared in constant time."""
    return hmac.compare_digest(digest_of(secret), digest)


def check_new_key(name: str, scopes: Collection[Scope], collections: object) -> None:
    """Raises InvalidRequest for a key without a name or scope, or an admin key with collections."""
    if not name.strip() or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidRequest(
            f"The name of a key has 1 to {MAX_NAME_CHARACTERS} printable characters."
        )
    if not scopes:
        raise InvalidRequest("A key needs at least one scope: search, ingest or admin.")
    if Scope.ADMIN in scopes and collections is not None:
        raise InvalidRequest(
            "An admin key cannot be limited to collections, because it can create other keys. "
            "Leave out the collections, or use the scopes search and ingest."
        )
