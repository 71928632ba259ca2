"""Admission control: a concurrency limit per request class (load shedding).

Slow uploads, event streams, long polls and rendered images have separate classes, so none of them
can exhaust the capacity of the others. A request above the limit of its class gets 503 before its
body is read. Health checks and metrics are exempt. The counters belong to one event loop, so they
need no lock.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime.http_options import HttpOptions
from serve_app.api.metrics import Metrics
from serve_app.api.problems import error_response
from serve_app.http.errors import Overloaded

UPLOADS, STREAMS, IMAGES, REQUESTS = "uploads", "streams", "images", "requests"
UPLOAD_PATHS = frozenset({"/api/v1/upload-async", "/api/v1/documents"})
EXEMPT_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
JOB_PREFIX = "/api/v1/jobs/"
FOLLOWED_PREFIXES = (JOB_PREFIX, "/api/v1/collections/")  # jobs and collections have event streams


class AdmissionControl:
    """ASGI middleware: rejects requests with 503 `overloaded` if their class is full."""

    def __init__(self, app: ASGIApp, limits: HttpOptions, metrics: Metrics) -> None:
        self.app = app
        names = (UPLOADS, STREAMS, IMAGES, REQUESTS)
        self.max_in_flight: dict[str, int] = {n: getattr(limits, f"max_{n}") for n in names}
        self.in_flight = dict.fromkeys(self.max_in_flight, 0)
        self.gauges = {name: metrics.in_flight.labels(name) for name in names}
        self.rejected = {name: metrics.rejected.labels(name) for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = request_class(scope) if scope["type"] == "http" else None
        if name is None:
            await self.app(scope, receive, send)
        elif self.in_flight[name] >= self.max_in_flight[name]:
            self.rejected[name].inc()
            error = Overloaded(
                f"The service already handles {self.max_in_flight[name]} requests of the class "
                f"{name}, its limit (http.max_{name}). Nothing of this request was read or kept; "
                "send it again after the time in Retry-After."
            )
            await error_response(Request(scope), error)(scope, receive, send)
        else:
            self.in_flight[name] += 1
            try:
                with self.gauges[name].track_inprogress():
                    await self.app(scope, receive, send)
            finally:
                self.in_flight[name] -= 1


def request_class(scope: Scope) -> str | None:
    """Returns the class of a request; None if it is always admitted."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    if path in EXEMPT_PATHS:
        return None
    if is_upload(path, scope["method"]):
        return UPLOADS
    if path.startswith(FOLLOWED_PREFIXES) and path.endswith("/events"):
        return STREAMS
    if path.startswith(JOB_PREFIX) and b"wait=" in scope["query_string"]:
        return STREAMS
    return IMAGES if path.endswith(".png") else REQUESTS


def is_upload(path: str, method: str) -> bool:
    """True for requests that upload PDFs."""
    return method == "POST" and path in UPLOAD_PATHS
