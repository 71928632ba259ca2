"""Malformed requests for every parameter that an OpenAPI document declares."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes
from uuid import UUID

TEXTS: dict[str, bytes] = {
    "NUL": b"\0",
    "NUL at the end": b"a\0",
    "empty": b"",
    "blank": b" ",
    "overlong": b"a" * 10_000,
    "invalid UTF-8": b"\xff\xfe",
    "encoded surrogate": b"\xed\xa0\x80",
    "right to left": "\u202efdp.exe".encode(),
    "newline": b"a\r\nb",
    "single quote": b"' OR '1'='1",
    "double quote": b'" or 1 == 1',
    "backslash": b"\\",
    "comment": b"1; DROP TABLE jobs; --",
    "dots": b"../../etc/passwd",
    "encoded dots": b"%2e%2e%2f",
    "braces": b"{x} %s ${x}",
    "emoji": "\U0001f99c".encode(),
    "combining": b"e" + "\u0301".encode() * 500,
    "None": b"None",
    "huge integer": b"9" * 400,
    "2^31": str(2**31).encode(),
    "2^63": str(2**63).encode(),
    "negative": b"-1",
    "NaN": b"NaN",
    "infinite": b"1e400",
    "other digits": "\u0663".encode(),
    "UUID": b"00000000-0000-0000-0000-000000000000",
}

# Cursors are base64 of TIME|ID, or an offset.
CURSORS: dict[str, str] = {
    "NUL in the id": "2026-01-01T00:00:00+00:00|doc_\0",
    "surrogate": "2026-01-01T00:00:00+00:00|doc_\ud800",
    "no time zone": "2026-01-01T00:00:00|doc_000000000000000000000000",
    "before year 1": "0001-01-01T00:00:00+14:00|doc_000000000000000000000000",
    "year 1": "0001-01-01T00:00:00+00:00|job_0000000000000000",
    "after year 9999": "9999-12-31T23:59:59-14:00|job_0000000000000000",
    "no id": "2026-01-01T00:00:00+00:00|",
    "ISO week": "2026-W01|doc_000000000000000000000000",
    "newline after the id": "2026-01-01T00:00:00+00:00|job_0000000000000000\n",
}
NOT_BASE64 = ("nonsense", "bm90IGEgY3Vyc29y", "MjAyNXxq", "====", "a", "a" * 201)

# Values in JSON text, because some of them have no Python value that json.dumps accepts.
JSON_VALUES: dict[str, str] = {
    "NUL": r'"a\u0000b"',
    "lone surrogate": r'"\ud800"',
    "escaped newline": r'"a\r\nb"',
    "overlong": json.dumps("a" * 10_000),
    "null": "null",
    "list": "[]",
    "object": "{}",
    "nested": "[" * 200 + "]" * 200,
    "true": "true",
    "negative": "-1",
    "2^63": str(2**63),
    "huge integer": "9" * 400,
    "NaN": "NaN",
    "infinite": "1e400",
    "fraction": "1.5",
    **{name: json.dumps(text.decode("utf-8", "replace")) for name, text in TEXTS.items()},
}


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request that is sent unchanged; `path` is percent-encoded and contains the query."""

    label: str
    method: str
    path: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


def malformed_requests(schema: dict[str, Any], known: dict[str, str]) -> Iterator[Malformed]:
    """Yields a request for each parameter and each invalid value.

    `known` contains valid values of the other path parameters, so that requests reach the stores.
    """
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            yield from _parameter_requests(method.upper(), path, operation, known)
            body = operation.get("requestBody", {}).get("content", {})
            if "application/json" in body:
                shape = body["application/json"]["schema"]
                yield from _json_requests(schema, method.upper(), path, shape)
            if "multipart/form-data" in body:
                yield from _form_requests(method.upper(), path)
            if "application/pdf" in body:
                yield from _upload_query_requests(method.upper(), path)


def _parameter_requests(
    method: str, path: str, operation: dict[str, Any], known: dict[str, str]
) -> Iterator[Malformed]:
    for parameter in operation.get("parameters", []):
        name, place = parameter["name"], parameter["in"]
        for case, value in _values(name).items():
            label = f"{method} {path}: {name} = {case}"
            encoded = quote_from_bytes(value, safe="")
            if place == "path":
                yield Malformed(label, method, path.format(**{**known, name: encoded}))
            elif place == "query":
                yield Malformed(label, method, f"{path.format(**known)}?{name}={encoded}")
            elif place == "header":
                headers = [(name.lower().encode(), value)]
                body = FORM if method == "POST" else b""
                more = [(b"content-type", FORM_TYPE)] if body else []
                yield Malformed(label, method, path.format(**known), [*headers, *more], body)
            else:
                raise AssertionError(f"no invalid values for a parameter in {place}")


def _values(name: str) -> dict[str, bytes]:
    if name != "cursor":
        return TEXTS
    encoded = {case: cursor.encode() for case, cursor in cursors().items()}
    for kind in ("doc_" + "0" * 24, "job_" + "0" * 16, str(UUID(int=0))):
        encoded[kind] = base64.urlsafe_b64encode(f"2026-01-01T00:00:00+00:00|{kind}".encode())
    return {**TEXTS, **encoded, "far offset": b"999999999"}


def cursors() -> dict[str, str]:
    """Returns cursors that the API has not issued."""
    made = {
        case: base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()
        for case, text in CURSORS.items()
    }
    return {**made, **{text: text for text in NOT_BASE64}}


def _json_requests(
    schema: dict[str, Any], method: str, path: str, shape: dict[str, Any]
) -> Iterator[Malformed]:
    headers = [(b"content-type", b"application/json")]
    for case, value in JSON_VALUES.items():
        bodies = {"the body": value, **dict(_bodies(schema, shape, value))}
        for name, body in bodies.items():
            yield Malformed(
                f"{method} {path}: {name} = {case}", method, path, headers, body.encode()
            )
    for case in (b"", b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"query": "\xff"}', b"{" * 5000, b"\0"):
        yield Malformed(f"{method} {path}: body = {case[:20]!r}", method, path, headers, case)


def _bodies(schema: dict[str, Any], shape: dict[str, Any], value: str) -> Iterator[tuple[str, str]]:
    """Yields JSON bodies with the value at one place: each property, or the items of a list."""
    shape = _resolved(schema, shape)
    required = {name: json.dumps("a") for name in shape.get("required", [])}
    for name, below in shape.get("properties", {}).items():
        for place, text in [("", value), *_inside(schema, below, value)]:
            members = {**required, name: text}
            body = ", ".join(f"{json.dumps(key)}: {member}" for key, member in members.items())
            yield name + place, f"{{{body}}}"


def _inside(schema: dict[str, Any], shape: dict[str, Any], value: str) -> Iterator[tuple[str, str]]:
    for one in [shape, *shape.get("anyOf", [])]:
        found = _resolved(schema, one)
        if found.get("type") == "array":
            yield "[0]", f"[{value}]"
        for place, text in _bodies(schema, found, value):
            yield f".{place}", text


def _resolved(schema: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in shape:
        return shape
    return schema["components"]["schemas"][shape["$ref"].rpartition("/")[2]]


BOUNDARY = b"boundary"
FORM_TYPE = b"multipart/form-data; boundary=" + BOUNDARY


def _part(disposition: bytes, content: bytes) -> bytes:
    head = b"Content-Disposition: form-data; " + disposition
    return b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


END = b"--" + BOUNDARY + b"--\r\n"
FORM = _part(b'name="files"; filename="a.pdf"', b"%PDF-1.7 a") + END


def _form_requests(method: str, path: str) -> Iterator[Malformed]:
    """Yields forms with invalid fields before and after the file, field names and filenames."""
    headers = [(b"content-type", FORM_TYPE)]
    field_of_file = b"file" if path.endswith("upload-async") else b"files"
    file = _part(b'name="' + field_of_file + b'"; filename="a.pdf"', b"%PDF-1.7 a")
    for case, value in TEXTS.items():
        for name in (b"collection", b"on_duplicate"):
            part = _part(b'name="' + name + b'"', value)
            for order, body in (("before", part + file), ("after", file + part)):
                label = f"{method} {path}: {name.decode()} {order} the file = {case}"
                yield Malformed(label, method, path, headers, body + END)
        inline = value.replace(b"\r\n", b"%0D%0A").replace(b'"', b"%22")
        for name, body in {
            "a field's name": _part(b'name="' + inline + b'"', b"x") + file,
            "filename": file.replace(b"a.pdf", inline),
            "filename*": file.replace(b'"a.pdf"', b"utf-8''" + quote_from_bytes(value).encode()),
        }.items():
            yield Malformed(f"{method} {path}: {name} = {case}", method, path, headers, body + END)


def _upload_query_requests(method: str, path: str) -> Iterator[Malformed]:
    headers = [(b"content-type", b"application/pdf")]
    for case, value in TEXTS.items():
        for name in ("collection", "on_duplicate", "filename"):
            query = f"{path}?{name}={quote_from_bytes(value, safe='')}"
            label = f"{method} {path}: query {name} = {case}"
            yield Malformed(label, method, query, headers, b"%PDF-1.7 b")
