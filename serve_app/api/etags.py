"""Entity tags of JSON responses, RFC 9110 section 8.8.3."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel

DIGITS = 32


def json_etag(response: BaseModel) -> str:
    """Returns the strong ETag of a response: the SHA-256 of its JSON, quoted."""
    return f'"{hashlib.sha256(response.model_dump_json().encode()).hexdigest()[:DIGITS]}"'


def matches(header: str | None, etag: str) -> bool:
    """Returns whether If-Match or If-None-Match names the ETag, or any with `*`."""
    named = [one.strip().removeprefix("W/") for one in (header or "").split(",")]
    return etag in named or "*" in named
