"""ASGI middleware: authenticates every request before its body is read."""

from __future__ import annotations

from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.access import Access
from domain.collection_names import CollectionNames, naming
from domain.errors import PaperworksError
from serve_app.access.errors import Unauthenticated
from serve_app.access.gate import Gate
from serve_app.access.name_cache import NameCache
from serve_app.api.problems import error_response
from stores.postgres.audit_log import acting_as

SIGN_IN = "/sign-in"
PUBLIC_PATHS = frozenset({SIGN_IN, "/livez", "/readyz", "/docs", "/openapi.json"})
PUBLIC_FOLDERS = ("/static/", "/docs/assets/")
"""Nothing below these paths depends on the library."""
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="paperworks"'}


class AccessControl:
    """Puts the access of the request into its state, or answers 401, 403, 429 or 503.

    Names of collections are translated within the access: a key learns no name of another's.
    A browser that opens a page without being signed in is sent to the sign-in page.
    """

    def __init__(self, app: ASGIApp, gate: Gate, names: NameCache) -> None:
        self.app = app
        self.gate = gate
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_public(path_of(scope)):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            request.state.access = access = await self.gate.admit(request)
        except PaperworksError as error:
            await _refusal(request, error)(scope, receive, send)
            return
        names = await self.names.current()
        if isinstance(names, CollectionNames):
            names = names.limited_to(access.collections)
        with acting_as(self.gate.client_of(request, access)), naming(names):
            await self.app(scope, receive, send)


def access_of(request: Request) -> Access:
    """Returns the access that the middleware found. Raises AttributeError on a public path."""
    return request.state.access


def path_of(scope: Scope) -> str:
    """Returns the path of a request below the path under which the service is mounted."""
    return scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))


def is_public(path: str) -> bool:
    """True for paths that need no key: health, sign-in, API description, files of the pages."""
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_FOLDERS)


def _refusal(request: Request, error: PaperworksError) -> Response:
    if not isinstance(error, Unauthenticated):
        return error_response(request, error)
    address = _sign_in_address(request)
    headers = Headers(scope=request.scope)
    if headers.get("HX-Request") == "true":  # htmx: a part of a page; the whole page is replaced
        return error_response(request, error, {**CHALLENGE, "HX-Redirect": address})
    if request.method == "GET" and "text/html" in headers.get("Accept", ""):
        return RedirectResponse(address, 303, {"Cache-Control": "no-store"})
    return error_response(request, error, CHALLENGE)


def _sign_in_address(request: Request) -> str:
    """Returns the sign-in page that leads back to this page; only pages can be opened again."""
    base, path = request.scope.get("root_path", "").rstrip("/"), path_of(request.scope)
    query = f"?{request.url.query}" if request.url.query else ""
    is_page = request.method == "GET" and not path.startswith("/api/")
    return f"{base}{SIGN_IN}" + (f"?next={quote(path + query)}" if is_page else "")
