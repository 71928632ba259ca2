"""Request ids, request metrics, security headers, and the last-resort error handler."""

from __future__ import annotations

import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.api.metrics import Metrics
from serve_app.api.problems import unexpected_error_response

REQUEST_ID = re.compile(r"^[\x21-\x7e]{1,128}$")
NO_FRAMES = "frame-ancestors 'none'"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer, forms would send `Origin: null`
}


class RequestContext:
    """ASGI middleware: assigns a request id (a valid X-Request-ID of the client is kept), records
    metrics by route, adds security headers, and maps unexpected errors to a 500 problem."""

    def __init__(self, app: ASGIApp, metrics: Metrics, request_id_header: bool = True) -> None:
        self.app = app
        self.metrics = metrics
        self.request_id_header = request_id_header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope={"headers": message.get("headers", ())})
                _add_security_headers(headers)
                headers.update(scope["state"].get("response_headers", {}))
                if self.request_id_header:
                    headers.append("X-Request-ID", request_id)
                message = {**message, "headers": headers.raw}
            await send(message)

        started = time.perf_counter()
        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            response = unexpected_error_response(Request(scope), error)
            if status:  # the response has started; only an abort signals the error to the client
                raise
            await response(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - started
            template = getattr(scope.get("route"), "path", "unmatched")
            self.metrics.count_request(template, scope["method"], status or 499, seconds)


def _add_security_headers(headers: MutableHeaders) -> None:
    """Adds the security headers that the route did not set.

    PDFs get no `default-src`: with it, the PDF viewers of browsers show nothing.
    """
    is_pdf = headers.get("Content-Type", "").startswith("application/pdf")
    policy = NO_FRAMES if is_pdf else f"default-src 'none'; {NO_FRAMES}"
    for name, value in {**SECURITY_HEADERS, "Content-Security-Policy": policy}.items():
        headers.setdefault(name, value)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if REQUEST_ID.match(given) else uuid.uuid4().hex
