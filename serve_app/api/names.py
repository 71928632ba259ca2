"""Collection names, and filenames in Content-Disposition headers."""

from __future__ import annotations

import re
from email.message import Message
from urllib.parse import quote

from domain.identifiers import COLLECTION_NAME

DEFAULT_COLLECTION = "default"

# Escapes of characters that would end a quoted name, by browsers (WHATWG HTML) and httpx.
_ESCAPED = re.compile(r"%(22|0A|0D)", re.IGNORECASE)


def is_collection_name(name: str) -> bool:
    """True for 1 to 128 letters, digits, hyphens, underscores or dots."""
    return COLLECTION_NAME.fullmatch(name) is not None


def disposition(header: bytes) -> tuple[str | None, str | None]:
    """Returns the field name and the filename of a part's Content-Disposition, None if absent.

    Accepts raw UTF-8 as browsers send it, `filename*=UTF-8''…` (RFC 5987) and RFC 2231
    continuations.
    """
    message = Message()
    message["Content-Disposition"] = _decoded(header)
    name = message.get_param("name", header="content-disposition")
    filename = message.get_param("filename", header="content-disposition")
    return _text(name), _text(filename)


def inline_disposition(filename: str) -> str:
    """Returns an inline Content-Disposition with the filename (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", filename)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _decoded(header: bytes) -> str:
    try:
        return header.decode("utf-8")
    except UnicodeDecodeError:
        return header.decode("latin-1")


def _text(value: object) -> str | None:
    if isinstance(value, tuple):  # RFC 2231: (charset, language, text)
        charset, _, text = value
        return text.encode("latin-1", "replace").decode(_supported(charset), "replace")
    if value is None:
        return None
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), str(value))


def _supported(charset: str | None) -> str:
    try:
        "".encode(charset or "utf-8")
    except LookupError:
        return "utf-8"
    return charset or "utf-8"
