"""Wire protocol from a sandboxed child to its parent: validated data, never pickle.

A frame has a kind (1 byte), a length (8 bytes, big-endian) and a payload: progress (two integers),
a result (raw bytes, or JSON of the expected type) or a failure (JSON). The parent limits the total
size, so that a compromised child can neither run code in the parent nor exhaust its memory.
"""

from __future__ import annotations

import os
import select
import struct
import time
import traceback
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from domain.errors import (
    BadDocument,
    InternalError,
    NotFound,
    OcrUnavailable,
    PaperworksError,
    ParserCrashed,
    SandboxUnavailable,
    TookTooMuchMemory,
    TooMuchOutput,
)

PROGRESS, RESULT, FAILURE = b"P", b"R", b"F"
HEAD = struct.Struct("!cQ")
PARTS = struct.Struct("!II")
_MAX_PARTS = 2**31 - 1  # the largest integer of PostgreSQL
_FAILURE_BYTES = 64 * 1024
_DETAIL_CHARACTERS = 8000
_CHUNK_BYTES = 1024**2
# Errors that a child may report. Retryable errors (WorkerCrashed, Unavailable) are raised only by
# the parent.
_REPORTABLE_ERRORS: tuple[type[PaperworksError], ...] = (
    BadDocument,
    NotFound,
    OcrUnavailable,
    SandboxUnavailable,
    InternalError,
)


class Failure(BaseModel):
    """An error reported by the work: error code, message for users, details for the log."""

    code: Annotated[str, Field(max_length=64)]
    message: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
    page: Annotated[int, Field(ge=1, le=_MAX_PARTS)] | None = None
    detail: Annotated[str, Field(max_length=_DETAIL_CHARACTERS)] = ""

    def error(self) -> PaperworksError:
        """Returns the error for the parent to raise; ParserCrashed for a code not allowed here."""
        kind = _known_errors().get(self.code)
        return kind(self.message, self.page) if kind else ParserCrashed()


@lru_cache(maxsize=1)
def _known_errors() -> dict[str, type[PaperworksError]]:
    return {kind.code: kind for family in _REPORTABLE_ERRORS for kind in _with_subclasses(family)}


def _with_subclasses(kind: type[PaperworksError]) -> Iterator[type[PaperworksError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _with_subclasses(child)


def failure_of(error: BaseException) -> Failure:
    """Returns the failure for an exception of the work; of unknown types only the name is shown."""
    if isinstance(error, MemoryError):
        error = TookTooMuchMemory()
    if isinstance(error, PaperworksError):
        return Failure(code=error.code, message=error.message[:1000], page=error.page)
    detail = "".join(traceback.format_exception(error))[-_DETAIL_CHARACTERS:]
    name = type(error).__name__
    message = f"An unexpected {name} stopped this document; the log has the cause."
    return Failure(code=InternalError.code, message=message[:1000], detail=detail)


@lru_cache(maxsize=16)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def dump(value: Any, kind: Any) -> bytes:
    """Encodes a result: unchanged if `kind` is bytes, else as JSON."""
    if kind is bytes:
        return bytes(value)
    return _adapter(kind).dump_json(value, fallback=_reject)


def _reject(value: Any) -> Any:
    raise TypeError(f"A result of type {type(value).__name__} cannot be serialized.")


def load(data: bytes | bytearray, kind: Any) -> Any:
    """Returns the validated result. Raises ParserCrashed for invalid data."""
    if kind is bytes:
        return bytes(data)
    try:
        return _adapter(kind).validate_json(data)
    except ValidationError:
        raise ParserCrashed from None


def load_failure(data: bytes | bytearray) -> Failure:
    """Returns the validated failure. Raises ParserCrashed for invalid data."""
    try:
        return Failure.model_validate_json(data)
    except ValidationError:
        raise ParserCrashed from None


def write_frame(descriptor: int, kind: bytes, data: bytes) -> None:
    """Writes a complete frame. Raises OSError if the reading end is closed."""
    for part in (HEAD.pack(kind, len(data)), data):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(descriptor, rest) :]


class FrameReader:
    """Reads the frames of one child without blocking on an incomplete frame.

    Raises TooMuchOutput as soon as a header announces more than `limit_bytes`, and ParserCrashed
    for an invalid header or more than `max_frames` frames, before any payload is read.
    """

    def __init__(self, descriptor: int, limit_bytes: int, max_frames: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._limits = {
            PROGRESS: PARTS.size,
            RESULT: limit_bytes,
            FAILURE: min(limit_bytes, _FAILURE_BYTES),
        }
        self._frames_left = max_frames
        self._buffer = bytearray()

    def read(self, seconds: float) -> tuple[bytes, bytearray] | None:
        """Returns the next frame as (kind, payload); None if it is incomplete after `seconds`.

        Raises EOFError at the end of the stream.
        """
        deadline = time.monotonic() + seconds
        while self._poll.poll(1000 * max(0.0, deadline - time.monotonic())):
            self._receive()
            if frame := self._pop_frame():
                return frame
        return None

    def _receive(self) -> None:
        """Appends available bytes to the buffer, never beyond the end of the current frame."""
        head = self._head()
        missing_bytes = HEAD.size + (head[1] if head else 0) - len(self._buffer)
        try:
            chunk = os.read(self._descriptor, min(missing_bytes, _CHUNK_BYTES))
        except BlockingIOError:
            return
        if not chunk:
            raise EOFError
        self._buffer += chunk

    def _pop_frame(self) -> tuple[bytes, bytearray] | None:
        head = self._head()
        if head is None or len(self._buffer) < HEAD.size + head[1]:
            return None
        data, self._buffer = self._buffer, bytearray()
        del data[: HEAD.size]
        self._frames_left -= 1
        return head[0], data

    def _head(self) -> tuple[bytes, int] | None:
        if len(self._buffer) < HEAD.size:
            return None
        kind, length = HEAD.unpack_from(self._buffer)
        limit = self._limits.get(kind)
        if limit is None or not self._frames_left or (kind == PROGRESS and length != PARTS.size):
            raise ParserCrashed
        if length > limit:
            raise TooMuchOutput
        return kind, length


def load_parts(data: bytes | bytearray) -> tuple[int, int]:
    """Returns (done, total) of a progress frame. Raises ParserCrashed for numbers out of range."""
    done, total = PARTS.unpack(data)
    if max(done, total) > _MAX_PARTS:
        raise ParserCrashed
    return done, total
