"""Streaming multipart/form-data reader: holds only the current chunk in memory."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message
from enum import Enum
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from domain.errors import InvalidRequest
from serve_app.api.problems import MalformedRequest, UnsupportedMediaType

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS = 50
# Escapes of characters that would end a quoted name, by browsers (WHATWG HTML) and httpx.
_ESCAPED = re.compile(r"%(22|0A|0D)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form; `filename` is None for a plain field. `FormReader.chunks` has its bytes."""

    name: str
    filename: str | None


@dataclass(slots=True)
class _Headers:
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""


class _End(Enum):
    PART = "part"
    FORM = "form"


_Event = Part | bytes | _End


class FormReader:
    """Reads the parts of a form from a stream, in the order in which they were sent.

    Use `async for part in form.parts()`, and `form.chunks()` or `form.text()` inside the loop. The
    unread rest of a part is skipped. Raises UnsupportedMediaType for another content type, and
    MalformedRequest for a body that is not a complete form.
    """

    def __init__(self, content_type: str, stream: AsyncIterator[bytes]) -> None:
        media_type, options = parse_options_header(content_type)
        if media_type != b"multipart/form-data":
            raise UnsupportedMediaType
        self._stream = stream
        self._events: deque[_Event] = deque()
        self._headers = _Headers()
        self.skipped_bytes = 0
        self._fields = 0
        try:
            self._parser = MultipartParser(options.get(b"boundary", b""), self._callbacks())
        except (FormParserError, ValueError) as error:
            raise MalformedRequest(
                "The Content-Type of the form has an invalid boundary."
            ) from error
        if b"boundary" not in options:
            raise MalformedRequest("The Content-Type of the form has no boundary.")

    async def parts(self) -> AsyncIterator[Part]:
        """Yields the parts in order."""
        while True:
            event = await self._next()
            if event is _End.FORM:
                return
            if isinstance(event, Part):
                yield event
            elif isinstance(event, bytes):
                self.skipped_bytes += len(event)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the bytes of the current part."""
        while isinstance(event := await self._next(), bytes):
            yield event

    async def text(self) -> str:
        """Returns the current part as text.

        Raises MalformedRequest above 64 KiB. Raises InvalidRequest after 50 text parts, counting
        repeated names.
        """
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise InvalidRequest(
                f"The form has more than {MAX_FIELDS} fields in addition to its files."
            )
        value = bytearray()
        async for chunk in self.chunks():
            value += chunk
            if len(value) > MAX_FIELD_BYTES:
                raise MalformedRequest("A field of the form is longer than 65,536 bytes.")
        return value.decode("utf-8", "replace")

    async def _next(self) -> _Event:
        while not self._events:
            chunk = await anext(self._stream, None)
            if chunk is None:
                raise MalformedRequest("The form ends before its last boundary; send it again.")
            self._feed(chunk)
        return self._events.popleft()

    def _feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedRequest(
                f"The body is not a valid form with this boundary: {error}."
            ) from error

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_header_field": lambda data, a, b: self._headers.name.extend(data[a:b]),
            "on_header_value": lambda data, a, b: self._headers.value.extend(data[a:b]),
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": lambda data, a, b: self._events.append(bytes(data[a:b])),
            "on_part_end": lambda: self._events.append(_End.PART),
            "on_end": lambda: self._events.append(_End.FORM),
        }

    def _on_header_end(self) -> None:
        if bytes(self._headers.name).lower() == b"content-disposition":
            self._headers.disposition = bytes(self._headers.value)
        self._headers.name.clear()
        self._headers.value.clear()

    def _on_headers_finished(self) -> None:
        name, filename = _disposition(self._headers.disposition)
        self._headers = _Headers()
        self._events.append(Part(name or "", filename))


def _disposition(header: bytes) -> tuple[str | None, str | None]:
    """Returns the field name and the filename of a part's Content-Disposition, None if absent.

    Accepts raw UTF-8 as browsers send it, `filename*=UTF-8''…` (RFC 5987) and RFC 2231
    continuations.
    """
    message = Message()
    message["Content-Disposition"] = _decoded(header)
    name = message.get_param("name", header="content-disposition")
    filename = message.get_param("filename", header="content-disposition")
    return _text(name), _text(filename)


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
