"""The callers of the MCP server: the service decides with their keys what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.access import TOKEN, UNLIMITED
from serve_app.client import AsyncClient, PaperworksProblem
from serve_app.client.endpoints import Endpoints
from serve_app.client.errors import RETRYABLE_STATUSES
from serve_app.client.requests import ApiRequest, Body

NEEDS_KEYS = (
    "The Paperworks service requires no keys, so the MCP server answers only on loopback. Start "
    "the service with PAPERWORKS_HTTP__AUTH=required, or the MCP server with --host 127.0.0.1."
)
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="paperworks"'}


class CallerLibrary(Endpoints):
    """The library as a caller with this key sees it, over the connections of the client."""

    def __init__(self, client: AsyncClient, key: str | None) -> None:
        self.client = client
        self.key = key

    async def send(self, request: ApiRequest[Body]) -> Body:
        """Returns the parsed response to a request. Raises PaperworksProblem."""
        access = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return await self.client.send(replace(request, headers={**request.headers, **access}))


def key_of(headers: Mapping[str, str] | None) -> str | None:
    """Returns the API key of a request; None without one of that form."""
    scheme, _, token = (headers or {}).get("authorization", "").partition(" ")
    key = token.strip()
    return key if scheme.lower() == "bearer" and TOKEN.fullmatch(key) else None


class KeyCheck:
    """ASGI middleware: asks the service for the access of each caller, and passes a refusal on.

    A service that answers without a key is passed on to callers of this machine only.
    """

    def __init__(self, app: ASGIApp, client: AsyncClient, *, is_local: bool) -> None:
        self.app = app
        self.client = client
        self.is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] == "http":
            refusal = await self._refusal(key_of(Headers(scope=scope)))
        await (refusal or self.app)(scope, receive, send)

    async def _refusal(self, key: str | None) -> Response | None:
        try:
            access = await CallerLibrary(self.client, key).access()
        except PaperworksProblem as problem:
            return _response(problem)
        if access.actor == UNLIMITED.actor and not self.is_local:
            return JSONResponse({"code": "forbidden", "detail": NEEDS_KEYS}, HTTPStatus.FORBIDDEN)
        return None


def _response(problem: PaperworksProblem) -> Response:
    status = problem.status or HTTPStatus.SERVICE_UNAVAILABLE  # 0: no service answered
    headers = dict(CHALLENGE) if status == HTTPStatus.UNAUTHORIZED else {}
    if status in RETRYABLE_STATUSES:
        headers["Retry-After"] = f"{problem.retry_after_seconds:.0f}"
    return JSONResponse({"code": problem.code, "detail": problem.detail}, status, headers)
