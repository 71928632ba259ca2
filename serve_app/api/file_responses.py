"""File responses: text and images generated from a document."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote

from fastapi import Response

from domain.documents import Document
from serve_app.api.etags import matches

PNG = "image/png"
# Exports of a hostile paper are escaped. In addition, a browser that displays one runs no scripts
# and fetches nothing.
CONTENT_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


def file_response(
    content: str | bytes, media_type: str, document: Document, ending: str, **headers: str
) -> Response:
    """Returns the content as a file named after the document; text is encoded as UTF-8."""
    name = re.sub(r"(?i)[.]pdf$", "", document.filename) + ending
    charset = "; charset=utf-8" if isinstance(content, str) else ""
    return Response(
        content.encode("utf-8", "replace") if isinstance(content, str) else content,
        headers={
            "Content-Disposition": inline_disposition(name),
            "Content-Security-Policy": CONTENT_POLICY,
            **headers,
        },
        media_type=media_type + charset,
    )


def inline_disposition(filename: str) -> str:
    """Returns an inline Content-Disposition with the filename (RFC 6266)."""
    filename = filename.rsplit("/", 1)[-1]  # it may be a path below a folder
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", filename)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def etag_of(*parts: object) -> str:
    """Returns an ETag: the first 128 bits of a SHA-256 over the parts."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode())
    return f'"{digest.hexdigest()[:32]}"'


NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not modified: the client's copy is current."}
}


def not_modified(etag: str, if_none_match: str | None, cache: str) -> Response | None:
    """Returns a 304 response if `if_none_match` contains the ETag, else None."""
    if not matches(if_none_match, etag):
        return None
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": cache})


def openapi_file(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Returns the OpenAPI response of a route that returns a file."""
    content = {"schema": {"type": "string"}}
    if media_type == PNG:
        content["schema"]["format"] = "binary"
    return {200: {"content": {media_type: content}, "description": description}}
