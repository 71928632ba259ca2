"""uvicorn's HTTP protocol with deadlines and limits that no ASGI app can set.

| what the client does | what it gets |
|---|---|
| headers not complete after `header_seconds` | the connection is closed |
| request line and headers above `header_limit_bytes` | 431, closed |
| trailers or chunk framing out of proportion to the body | closed |
| more than 16 requests sent ahead of their answers (pipelining) | closed |
| sends on after its answer is complete | 15 s, then closed |
| takes nothing of its answer for `answer_stall_seconds` | closed |
| one connection more than `max_connections` | the one idle longest is closed for it, or else 503 |

Applies where the replica itself listens (`http.ingress: direct`). With `haproxy` HAProxy listens
and has timeouts of its own. Ray's Python proxy (`proxy`) has none of these: put a reverse proxy in
front of it.
"""

from __future__ import annotations

import json
import resource
from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from domain.errors import PaperworksError
from serve_app.http.errors import HeadersTooLarge, Overloaded
from serve_app.http.limits import HttpLimits

LINGER_SECONDS = 15.0
CLOSE_SECONDS = 5.0
MAX_PIPELINED = 16
FRAMING_PER_BODY_BYTE = 8  # a body that comes byte by byte has six bytes of framing for each


class Connections:
    """The open connections of one replica, and those among them that wait for a request."""

    def __init__(self, max_open: int) -> None:
        self.max_open = min(
            max_open, _raise_file_limit(2 * max_open) // 2
        )  # files and stores need the others
        self.open = 0
        self.idle: dict[GuardedProtocol, None] = {}  # the longest idle one first

    def evict_one(self) -> bool:
        """True when an idle connection was closed to make room."""
        if not self.idle:
            return False
        oldest = next(iter(self.idle))
        del self.idle[oldest]
        oldest.transport.abort()
        return True


class GuardedProtocol(HttpToolsProtocol):
    """One connection, with the limits of the table above. uvicorn makes it, `connections` and
    `limits` are set on a subclass by `guarded_protocol`."""

    limits: HttpLimits
    open_connections: Connections
    is_counted = False
    in_message = False  # between the end of the headers and the end of the body
    headers_done = False  # some headers became complete with the data at hand
    header_bytes = 0
    body_bytes = 0
    framing_bytes = 0
    header_timer: TimerHandle | None = None
    linger_timer: TimerHandle | None = None
    stall_timer: TimerHandle | None = None

    # --- the connection

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.open_connections.open += 1
        self.is_counted = True
        if (
            self.open_connections.open > self.open_connections.max_open
            and not self.open_connections.evict_one()
        ):
            self._respond_and_close(
                Overloaded("The service has as many connections as it takes."), 503
            )
            return
        self._start_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self.header_timer, self.linger_timer, self.stall_timer):
            if timer is not None:
                timer.cancel()
        self.header_timer = self.linger_timer = self.stall_timer = None
        self.open_connections.idle.pop(self, None)
        if self.is_counted:
            self.open_connections.open -= 1
            self.is_counted = False
        super().connection_lost(exc)

    # --- what comes in

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if was_waiting := not self.in_message:
            self._start_header_timer()
        self.headers_done, body_before = False, self.body_bytes
        super().data_received(data)
        if self.transport.is_closing() or self.headers_done:
            return
        if self.in_message:
            self._count_framing(len(data) - (self.body_bytes - body_before))
        elif was_waiting:
            self._count_headers(len(data))
        self._rearm_keep_alive_timer()

    def on_message_begin(self) -> None:
        self._start_header_timer()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_message:  # else it is a trailer, which nobody reads
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._cancel_header_timer()
        self.header_bytes = self.body_bytes = self.framing_bytes = 0
        self.in_message = self.headers_done = True
        self.open_connections.idle.pop(self, None)
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

    # --- what goes out

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
        return False  # there is no such route, and another protocol would know none of this

    # --- helpers

    def _start_header_timer(self) -> None:
        """The headers of the next request have their time from now, unless it runs already."""
        if self.header_timer is None:
            self.header_timer = self.loop.call_later(
                self.limits.header_seconds, self.transport.abort
            )
            self._mark_idle()

    def _mark_idle(self) -> None:
        """Nothing is at work here: the connection may be closed for another one."""
        if self.cycle is None or self.cycle.response_complete:
            self.open_connections.idle.pop(self, None)
            self.open_connections.idle[self] = None

    def _cancel_header_timer(self) -> None:
        if self.header_timer is not None:
            self.header_timer.cancel()
            self.header_timer = None

    def _rearm_keep_alive_timer(self) -> None:
        """Arms uvicorn's timer again where data that is no request has stopped it."""
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
        """Closes the connection when there is more of chunk sizes and trailers than of the body."""
        self.framing_bytes += size
        allowed = self.limits.header_limit_bytes + FRAMING_PER_BODY_BYTE * self.body_bytes
        if self.framing_bytes > allowed:
            self.transport.abort()

    def _respond_and_close(self, error: PaperworksError, status: int) -> None:
        """Answers in the app's place and closes; a request that is at work is broken off."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()
            return
        self.transport.write(problem_bytes(error, status))
        self._close()

    def _close(self) -> None:
        """Closes when what was written is sent, or else a little later."""
        if not self.transport.is_closing():
            self.transport.close()
            self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


def guarded_protocol(limits: HttpLimits) -> type[GuardedProtocol]:
    """The protocol class for one server with these limits."""
    values: dict[str, Any] = {
        "limits": limits,
        "open_connections": Connections(limits.max_connections),
    }
    return type("GuardedProtocol", (GuardedProtocol,), values)


def problem_bytes(error: PaperworksError, status: int) -> bytes:
    """A whole HTTP/1.1 response with the problem, after which the connection is closed."""
    title = HTTPStatus(status).phrase
    body = json.dumps(
        {
            "type": f"urn:paperworks:problem:{error.code}",
            "title": title,
            "status": status,
            "code": error.code,
            "detail": error.message,
            "request_id": None,
        }
    ).encode()
    again = error.retry_after_seconds
    head = (
        f"HTTP/1.1 {status} {title}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\nX-Content-Type-Options: nosniff\r\n"
        + (f"Retry-After: {again}\r\n" if again is not None else "")
        + "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def _raise_file_limit(wanted: int) -> int:
    """Files that this process may have open: as many as wanted where the hard limit allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
    return more
