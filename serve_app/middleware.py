"""What surrounds every request: its id, its measure, the last net for errors."""

from __future__ import annotations

import re
import time
import uuid

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.metrics import Metrics
from serve_app.problems import unexpected_problem

REQUEST_ID = re.compile(r"^[\x21-\x7e]{1,128}$")


class Surroundings:
    """Gives each request an id (the client's X-Request-ID if usable) and counts it by route."""

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

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self.request_id_header:
                    id_header = (b"x-request-id", request_id.encode("ascii"))
                    message = {**message, "headers": [*message.get("headers", []), id_header]}
            await send(message)

        began = time.perf_counter()
        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            answer = unexpected_problem(Request(scope), error)
            if status:  # half an answer is out; only breaking off tells the client
                raise
            await answer(scope, receive, send_with_id)
        finally:
            taken = time.perf_counter() - began
            self.metrics.request(_template(scope), scope["method"], status or 499, taken)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if REQUEST_ID.match(given) else uuid.uuid4().hex


def _template(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unmatched")
