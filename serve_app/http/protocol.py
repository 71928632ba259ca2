"""uvicorn's HTTP protocol with timeouts and limits that an ASGI app cannot set.

| client behaviour | reaction |
|---|---|
| headers incomplete after `header_seconds` | connection closed |
| request line and headers above `header_limit_bytes` | 431, connection closed |
| trailers or chunk framing out of proportion to the body | connection closed |
| more than 16 pipelined requests | connection closed |
| keeps sending after the response is complete | connection closed after 15 s |
| reads nothing of the response for `answer_stall_seconds` | connection closed |
| more than `max_connections` | the connection idle for longest is closed, or else 503 |

Applies if the replica itself listens (`http.ingress: direct`). With `haproxy`, HAProxy listens and
has its own timeouts. Ray's Python proxy (`proxy`) has none of these limits: put a reverse proxy in
front of it.
"""

from __future__ import annotations

import resource
from asyncio import TimerHandle, Transport
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from domain.errors import PaperworksError
from runtime.http_options import HttpOptions
from serve_app.api.problems import MEDIA_TYPE, problem_body
from serve_app.http.errors import HeadersTooLarge, Overloaded

LINGER_SECONDS = 15.0
CLOSE_SECONDS = 5.0
MAX_PIPELINED = 16
FRAMING_PER_BODY_BYTE = 8  # a body in one-byte chunks has six bytes of framing per byte


class Connections:
    """The open connections of one replica, and the idle ones among them."""

    def __init__(self, max_open: int) -> None:
        # Half of the file descriptors is reserved for files and stores.
        self.max_open = min(max_open, _raise_file_limit(2 * max_open) // 2)
        self.open = 0
        self.idle: dict[GuardedProtocol, None] = {}  # idle for longest first

    def evict_one(self) -> bool:
        """Closes the connection that has been idle for longest. False if no connection is idle."""
        if not self.idle:
            return False
        oldest = next(iter(self.idle))
        del self.idle[oldest]
        oldest.transport.abort()
        return True


class GuardedProtocol(HttpToolsProtocol):
    """One connection with the limits of the table above.

    uvicorn creates the instances; `guarded_protocol` sets `limits` and `registry` on a
    subclass.
    """

    limits: HttpOptions
    registry: Connections
    is_counted = False
    in_message = False  # between the end of the headers and the end of the body
    headers_done = False  # headers were completed by the current data
    header_bytes = 0
    body_bytes = 0
    framing_bytes = 0
    header_timer: TimerHandle | None = None
    linger_timer: TimerHandle | None = None
    stall_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.registry.open += 1
        self.is_counted = True
        if self.registry.open > self.registry.max_open and not self.registry.evict_one():
            error = Overloaded("The service has reached its connection limit. Try again later.")
            self._respond_and_close(error, 503)
            return
        self._start_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self.header_timer, self.linger_timer, self.stall_timer):
            if timer is not None:
                timer.cancel()
        self.header_timer = self.linger_timer = self.stall_timer = None
        self.registry.idle.pop(self, None)
        if self.is_counted:
            self.registry.open -= 1
            self.is_counted = False
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if was_idle := not self.in_message:
            self._start_header_timer()
        self.headers_done, body_before = False, self.body_bytes
        super().data_received(data)
        if self.transport.is_closing() or self.headers_done:
            return
        if self.in_message:
            self._count_framing(len(data) - (self.body_bytes - body_before))
        elif was_idle:
            self._count_headers(len(data))
        self._rearm_keep_alive_timer()

    def on_message_begin(self) -> None:
        self._start_header_timer()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_message:  # trailers are ignored
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._cancel_header_timer()
        self.header_bytes = self.body_bytes = self.framing_bytes = 0
        self.in_message = self.headers_done = True
        self.registry.idle.pop(self, None)
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.limits.header_limit_bytes:
            self._respond_and_close(HeadersTooLarge(), 431)
        elif len(self.pipeline) >= MAX_PIPELINED:
            self.transport.abort()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.body_bytes += len(body)
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_message = False
        if self.linger_timer is not None:
            self.linger_timer.cancel()
            self.linger_timer = None
        if not self.transport.is_closing():
            super().on_message_complete()
            self._mark_idle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.in_message and self.linger_timer is None:
            self.linger_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        self._mark_idle()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.stall_timer is None:
            self.stall_timer = self.loop.call_later(
                self.limits.answer_stall_seconds, self.transport.abort
            )

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.stall_timer is not None:
            self.stall_timer.cancel()
            self.stall_timer = None

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def _should_upgrade_to_ws(self) -> bool:
        return False  # there is no WebSocket route, and that protocol would bypass these limits

    def _start_header_timer(self) -> None:
        """Starts the header timeout of the next request unless it is running."""
        if self.header_timer is None:
            self.header_timer = self.loop.call_later(
                self.limits.header_seconds, self.transport.abort
            )
            self._mark_idle()

    def _mark_idle(self) -> None:
        """Marks the connection as idle, and so as evictable, if no request is in progress."""
        if self.cycle is None or self.cycle.response_complete:
            self.registry.idle.pop(self, None)
            self.registry.idle[self] = None

    def _cancel_header_timer(self) -> None:
        if self.header_timer is not None:
            self.header_timer.cancel()
            self.header_timer = None

    def _rearm_keep_alive_timer(self) -> None:
        """Restarts uvicorn's keep-alive timer if data without a request has stopped it."""
        if (
            not self.in_message
            and self.header_timer is None
            and self.timeout_keep_alive_task is None
            and self.cycle is not None
            and self.cycle.response_complete
        ):
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _count_headers(self, size: int) -> None:
        self.header_bytes += size
        if self.header_bytes > self.limits.header_limit_bytes:
            self._respond_and_close(HeadersTooLarge(), 431)

    def _count_framing(self, size: int) -> None:
        """Closes the connection if chunk sizes and trailers are out of proportion to the body."""
        self.framing_bytes += size
        allowed = self.limits.header_limit_bytes + FRAMING_PER_BODY_BYTE * self.body_bytes
        if self.framing_bytes > allowed:
            self.transport.abort()

    def _respond_and_close(self, error: PaperworksError, status: int) -> None:
        """Sends a problem response and closes; aborts instead if a request is in progress."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()
            return
        self.transport.write(problem_bytes(error, status))
        self._close()

    def _close(self) -> None:
        """Closes the connection after pending data is sent; aborts it after 5 seconds."""
        if not self.transport.is_closing():
            self.transport.close()
            self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


def guarded_protocol(limits: HttpOptions) -> type[GuardedProtocol]:
    """Returns the protocol class for one server with these limits."""
    values = {"limits": limits, "registry": Connections(limits.max_connections)}
    return type("GuardedProtocol", (GuardedProtocol,), values)


def problem_bytes(error: PaperworksError, status: int) -> bytes:
    """Returns a complete HTTP/1.1 response with the problem and `Connection: close`."""
    body = problem_body(status, error.code, error.message, request_id=None).encode()
    retry_after = error.retry_after_seconds
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nX-Content-Type-Options: nosniff\r\n"
        + (f"Retry-After: {retry_after}\r\n" if retry_after is not None else "")
        + "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def _raise_file_limit(target: int) -> int:
    """Raises RLIMIT_NOFILE to `target` if the hard limit allows it.

    Returns how many files may be open, at most `target`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= target:
        return target
    new_soft = target if hard == resource.RLIM_INFINITY else min(target, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (new_soft, hard))
    return new_soft
