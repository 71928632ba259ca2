"""Limits the size and the transfer time of request bodies for all routes.

The size is checked by Content-Length before the first byte is read, and while reading if there is
no Content-Length (chunked). Only time spent waiting for the client counts, so a slow disk rejects
no request. After a rejection, its problem replaces the response of the route.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import FileTooLarge, PaperworksError
from runtime.http_options import HttpOptions
from serve_app.api.problems import error_response
from serve_app.http.admission import is_upload
from serve_app.http.errors import BodyTooLarge, RequestTimeout

BODILESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SPEED_GRACE_SECONDS = 15.0  # before the minimum average speed applies
ONE_FILE_PATH = "/api/v1/upload-async"
FORM_OVERHEAD_BYTES = 4 * 1024 * 1024  # 50 fields of 64 KiB, and boundaries


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """The maximum number of bytes of a body, and the error above it."""

    bytes: int
    kind: type[PaperworksError]
    message: str

    def error(self) -> PaperworksError:
        """Returns a new error: a shared instance would retain tracebacks."""
        return self.kind(self.message)


class BodyGuard:
    """ASGI middleware: 413 for a body above its limit, 408 for a slow one, 507 for a full disk.

    `check_disk_space` raises InsufficientStorage.
    """

    def __init__(
        self, app: ASGIApp, limits: HttpOptions, check_disk_space: Callable[[], Awaitable[None]]
    ) -> None:
        self.app = app
        self.limits = limits
        self.check_disk_space = check_disk_space
        self.one_file = BodyLimit(
            limits.upload_limit_bytes + FORM_OVERHEAD_BYTES,
            FileTooLarge,
            file_too_large_message(limits.upload_limit_bytes),
        )
        self.form = BodyLimit(
            limits.form_limit_bytes,
            BodyTooLarge,
            f"The form is larger than {limits.form_limit_bytes:,} bytes (http.form_limit_bytes); "
            "none of its files was admitted. Send them in several requests.",
        )
        self.other = BodyLimit(
            limits.body_limit_bytes,
            BodyTooLarge,
            f"The body is larger than {limits.body_limit_bytes:,} bytes (http.body_limit_bytes), "
            "the maximum of this route. Send a smaller body.",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in BODILESS_METHODS:
            await self.app(scope, receive, send)
            return
        try:
            limit = await self._limit_for(scope)
        except PaperworksError as error:
            await error_response(Request(scope), error)(scope, receive, send)
            return
        body = _GuardedBody(scope, receive, send, limit, self.limits)
        await self.app(scope, body.receive, body.send)

    async def _limit_for(self, scope: Scope) -> BodyLimit:
        """Returns the limit of the request. Raises its error if Content-Length exceeds it."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        upload = is_upload(path, scope["method"])
        limit = self.other
        if upload:
            limit = self.one_file if path == ONE_FILE_PATH else self.form
        if content_length(Headers(scope=scope)) > limit.bytes:
            raise limit.error()
        if upload:
            await self.check_disk_space()
        return limit


class _GuardedBody:
    """Wraps `receive` and `send` of one request."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limit: BodyLimit, limits: HttpOptions
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._limit, self._limits = limit, limits
        self._bytes = 0
        self._waited_seconds = 0.0
        self._is_complete = False
        self._error: PaperworksError | None = None
        self._has_started = self._is_replaced = False

    async def receive(self) -> Message:
        """Returns the next message. Raises the rejection of an oversized or slow body."""
        if self._is_complete:
            return await self._receive()
        if self._error is not None:
            raise self._error
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._limits.body_piece_seconds):
                message = await self._receive()
        except TimeoutError:
            seconds = self._limits.body_piece_seconds
            raise self._reject(
                RequestTimeout(
                    f"No data of the body arrived for {seconds:g} s, so the request was cancelled; "
                    "nothing of it was kept. Send it again."
                )
            ) from None
        self._waited_seconds += time.monotonic() - began
        if message["type"] == "http.request":
            self._count(message)
        return message

    async def send(self, message: Message) -> None:
        """Sends the response, or the problem of the rejection in its place."""
        if self._error is None or self._has_started:
            self._has_started = True
            await self._send(message)
        elif not self._is_replaced:
            self._is_replaced = True
            close = {"Connection": "close"}  # the unread body must not parse as the next request
            response = error_response(Request(self._scope), self._error, headers=close)
            await response(self._scope, self._receive, self._send)

    def _count(self, message: Message) -> None:
        self._bytes += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._bytes > self._limit.bytes:
            raise self._reject(self._limit.error())
        minimum = self._limits.min_body_bytes_per_second
        if (
            not self._is_complete
            and self._waited_seconds > SPEED_GRACE_SECONDS
            and self._bytes < minimum * self._waited_seconds
        ):
            raise self._reject(
                RequestTimeout(
                    f"The body arrived with fewer than {minimum:,} bytes per second on average, so "
                    "the request was cancelled; nothing of it was kept. Send it again over a "
                    "faster connection, or lower http.min_body_bytes_per_second."
                )
            )

    def _reject(self, error: PaperworksError) -> PaperworksError:
        self._error = error
        return error


def content_length(headers: Headers) -> int:
    """Returns the Content-Length, 0 if it is absent or not a number."""
    given = headers.get("content-length", "")
    return int(given) if given.isdecimal() else 0


def file_too_large_message(limit_bytes: int) -> str:
    """Returns the message for a file above the limit."""
    return (
        f"The file is larger than {limit_bytes:,} bytes, the maximum of this service. "
        "Nothing was kept."
    )
