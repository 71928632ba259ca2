"""The frames that a sandboxed child sends: data that the parent validates, never pickle.

A frame is one byte for its kind, eight for its length, and that many bytes: progress (two
integers), a result (the bytes themselves, or JSON of the expected type) or a failure (JSON). The
parent holds the child to a total size, so that a hostile child can neither run code in the parent
nor exhaust its memory.
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
_MOST_PARTS = 2**31 - 1  # PostgreSQL's integer
_FAILURE_BYTES = 64 * 1024
_DETAIL_CHARACTERS = 8000
_PIECE = 1024**2
# What work may fail with. What is retried (WorkerCrashed, Unavailable) the parent alone may say.
_FAMILIES: tuple[type[PaperworksError], ...] = (
    BadDocument,
    NotFound,
    OcrUnavailable,
    SandboxUnavailable,
    InternalError,
)


class Failure(BaseModel):
    """An error of the work: a code of a known class, a message to show, a detail for the log."""

    code: Annotated[str, Field(max_length=64)]
    message: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
    page: Annotated[int, Field(ge=1, le=_MOST_PARTS)] | None = None
    detail: Annotated[str, Field(max_length=_DETAIL_CHARACTERS)] = ""

    def error(self) -> PaperworksError:
        """The error as the parent raises it; ParserCrashed for a code that no work fails with."""
        kind = _known_errors().get(self.code)
        return kind(self.message, self.page) if kind else ParserCrashed()


@lru_cache(maxsize=1)
def _known_errors() -> dict[str, type[PaperworksError]]:
    return {kind.code: kind for family in _FAMILIES for kind in _with_subclasses(family)}


def _with_subclasses(kind: type[PaperworksError]) -> Iterator[type[PaperworksError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _with_subclasses(child)


def failure_of(error: BaseException) -> Failure:
    """The failure that stands for an exception of the work; an unknown one shows its type only."""
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
    """The bytes of a result: itself when `kind` is bytes, else JSON."""
    if kind is bytes:
        return bytes(value)
    return _adapter(kind).dump_json(value, fallback=_refuse)


def _refuse(value: Any) -> Any:
    raise TypeError(f"a result of type {type(value).__name__} cannot be sent")


def load(data: bytes | bytearray, kind: Any) -> Any:
    """The validated result. Raises ParserCrashed for bytes that are no such thing."""
    if kind is bytes:
        return bytes(data)
    try:
        return _adapter(kind).validate_json(data)
    except ValidationError:
        raise ParserCrashed from None


def load_failure(data: bytes | bytearray) -> Failure:
    """The validated failure. Raises ParserCrashed for bytes that are none."""
    try:
        return Failure.model_validate_json(data)
    except ValidationError:
        raise ParserCrashed from None


def write_frame(descriptor: int, kind: bytes, data: bytes) -> None:
    """Writes a whole frame. Raises OSError when nobody reads."""
    for part in (HEAD.pack(kind, len(data)), data):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(descriptor, rest) :]


class FrameReader:
    """Reads the frames of one child without ever waiting for the rest of one.

    Raises TooMuchOutput as soon as more is announced than `limit_bytes`, ParserCrashed for
    a frame that is none or the one after `most_frames`; neither costs memory.
    """

    def __init__(self, descriptor: int, limit_bytes: int, most_frames: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._limits = {
            PROGRESS: PARTS.size,
            RESULT: limit_bytes,
            FAILURE: min(limit_bytes, _FAILURE_BYTES),
        }
        self._frames_left = most_frames
        self._buffer = bytearray()

    def read(self, seconds: float) -> tuple[bytes, bytearray] | None:
        """The next frame, None when it is not complete after so long. Raises EOFError."""
        deadline = time.monotonic() + seconds
        while self._poll.poll(1000 * max(0.0, deadline - time.monotonic())):
            self._take()
            if frame := self._complete():
                return frame
        return None

    def _take(self) -> None:
        """Adds what is there, never more than the rest of the frame."""
        head = self._head()
        wanted = HEAD.size + (head[1] if head else 0) - len(self._buffer)
        try:
            piece = os.read(self._descriptor, min(wanted, _PIECE))
        except BlockingIOError:
            return
        if not piece:
            raise EOFError
        self._buffer += piece

    def _complete(self) -> tuple[bytes, bytearray] | None:
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
    """(done, total) of a progress frame. Raises ParserCrashed for numbers beyond any document."""
    done, total = PARTS.unpack(data)
    if max(done, total) > _MOST_PARTS:
        raise ParserCrashed
    return done, total
