"""Answers that are files: text and pictures made of a document."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from fastapi import Response

from domain.documents import Document
from serve_app.api.names import inline_disposition

PNG = "image/png"
# What is made of a hostile paper is escaped; a browser that shows it runs and fetches nothing.
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}


def made_file(
    content: str | bytes, media_type: str, document: Document, ending: str, **headers: str
) -> Response:
    """The content as a file named after the document, in UTF-8 when it is text."""
    name = re.sub(r"(?i)[.]pdf$", "", document.filename) + ending
    charset = "; charset=utf-8" if isinstance(content, str) else ""
    return Response(
        content.encode("utf-8", "replace") if isinstance(content, str) else content,
        headers={"Content-Disposition": inline_disposition(name), **SAFE, **headers},
        media_type=media_type + charset,
    )


def etag_of(*parts: object) -> str:
    """An ETag that changes with the parts."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode())
    return f'"{digest.hexdigest()[:32]}"'


def unchanged(etag: str, known: str | None, cache: str) -> Response | None:
    """The answer 304 when the client's copy is the same, else None."""
    if etag not in (known or ""):
        return None
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": cache})


def of_type(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """The response of a route that answers with a file, for OpenAPI."""
    content = {"schema": {"type": "string"}}
    if media_type == PNG:
        content["schema"]["format"] = "binary"
    return {200: {"content": {media_type: content}, "description": description}}


def picture(description: str) -> dict[int | str, dict[str, Any]]:
    """The responses of a route that answers with a PNG that clients may keep, for OpenAPI."""
    return {**of_type(PNG, description), 304: {"description": "The client's copy is the same."}}
