"""Streaming multipart/form-data reader: holds only the current chunk in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from domain.errors import InvalidRequest
from serve_app.api.names import disposition
from serve_app.api.problems import MalformedRequest, UnsupportedMediaType

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS = 50


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form; `filename` is None for a plain field. `FormReader.chunks` has its bytes."""

    name: str
    filename: str | None


@dataclass(slots=True)
class _PartBegin:
    part: Part


@dataclass(slots=True)
class _PartEnd:
    pass


@dataclass(slots=True)
class _Headers:
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""


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
        self._events: deque[_PartBegin | bytes | _PartEnd] = deque()
        self._headers = _Headers()
        self._finished = False
        self._in_part = False
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
            while self._in_part:
                self._skip(await self._next())
            event = await self._next()
            if event is None:
                return
            if isinstance(event, _PartBegin):
                self._in_part = True
                yield event.part

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the bytes of the current part."""
        while self._in_part:
            event = await self._next()
            if isinstance(event, bytes):
                yield event
            else:
                self._in_part = False

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

    def _skip(self, event: _PartBegin | bytes | _PartEnd | None) -> None:
        if isinstance(event, bytes):
            self.skipped_bytes += len(event)
        else:
            self._in_part = False

    async def _next(self) -> _PartBegin | bytes | _PartEnd | None:
        """Returns the next event, None after the last one."""
        while not self._events:
            if self._finished:
                return None
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

    # --- parser callbacks

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": lambda data, a, b: self._headers.name.extend(data[a:b]),
            "on_header_value": lambda data, a, b: self._headers.value.extend(data[a:b]),
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": lambda data, a, b: self._events.append(bytes(data[a:b])),
            "on_part_end": lambda: self._events.append(_PartEnd()),
            "on_end": self._on_end,
        }

    def _on_part_begin(self) -> None:
        self._headers = _Headers()

    def _on_header_end(self) -> None:
        if bytes(self._headers.name).lower() == b"content-disposition":
            self._headers.disposition = bytes(self._headers.value)
        self._headers.name.clear()
        self._headers.value.clear()

    def _on_headers_finished(self) -> None:
        name, filename = disposition(self._headers.disposition)
        self._events.append(_PartBegin(Part(name or "", filename)))

    def _on_end(self) -> None:
        self._finished = True
