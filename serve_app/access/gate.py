"""Authenticates requests: by the API key in the header, or by the session of a browser."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from fastapi import Request

from domain.access import UNLIMITED, Access
from runtime.http_options import HttpOptions
from serve_app.access.errors import MissingCsrfToken, RateLimited, Unauthenticated
from serve_app.http.origin_check import SAFE_METHODS
from stores.postgres.request_counts import WINDOW_SECONDS, Usage
from stores.protocols import KeyStore, RequestCounts

COOKIE = "paperworks_session"
"""The name of the cookie; the port follows if the address has one (`session_of`)."""
CSRF_HEADER = "X-CSRF-Token"


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides who sends a request.

    Everyone has unlimited access unless `http.auth` is `required`. Requests are counted if
    `http.requests_per_minute` is set.
    """

    keys: KeyStore | None = None
    counts: RequestCounts | None = None
    http: HttpOptions = field(default_factory=HttpOptions)

    async def admit(self, request: Request) -> Access:
        """Returns the access of the request, and counts the request.

        Raises Unauthenticated, MissingCsrfToken, RateLimited, DatabaseUnavailable.
        """
        try:
            access = await self._authenticated(request)
        except Unauthenticated:
            await self.count(request, address_of(request))
            raise
        await self.count(request, self.client_of(request, access))
        return access

    def client_of(self, request: Request, access: Access) -> str:
        """Returns the client whose requests are counted and whose actions are recorded: the key, or
        the address without keys."""
        return access.actor if self.is_closed else address_of(request)

    @property
    def is_closed(self) -> bool:
        """True if requests need a key."""
        return self.http.auth == "required"

    async def count(self, request: Request, client: str) -> None:
        """Counts a request of the client. Raises RateLimited, DatabaseUnavailable."""
        if self.counts is None or (limit := self.http.requests_per_minute) is None:
            return
        usage = await self.counts.count(client)
        request.state.response_headers = _limit_headers(limit, usage)
        if usage.used > limit:
            raise RateLimited(
                f"More than {limit} requests within a minute (http.requests_per_minute). Nothing "
                f"of this request was read or kept; send it again in {usage.seconds_left} s.",
                usage.seconds_left,
            )

    async def _authenticated(self, request: Request) -> Access:
        if not self.is_closed:
            return UNLIMITED
        if self.keys is None:
            raise Unauthenticated
        if (header := request.headers.get("Authorization")) is not None:
            scheme, _, token = header.partition(" ")
            key = await self.keys.find(token.strip()) if scheme.lower() == "bearer" else None
        elif session := session_of(request):
            key = await self.keys.find_session(session)
            if key is not None and request.method not in SAFE_METHODS:
                _check_csrf_token(request, session)
        else:
            key = None
        if key is None:
            raise Unauthenticated
        return key.access


def _limit_headers(limit: int, usage: Usage) -> dict[str, str]:
    """Returns the headers of draft-ietf-httpapi-ratelimit-headers-10."""
    return {
        "RateLimit-Policy": f'"requests";q={limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"requests";r={max(0, limit - usage.used)};t={usage.seconds_left}',
    }


def address_of(request: Request) -> str:
    """Returns the address of the client."""
    return f"address {request.client.host}" if request.client else "address unknown"


def cookie_name(request: Request) -> str:
    """Returns the name of the session's cookie.

    Browsers do not separate cookies by port: two services on one host need two names.
    """
    port = request.url.port
    return COOKIE if port is None else f"{COOKIE}_{port}"


def session_of(request: Request) -> str | None:
    """Returns the secret of the browser's session, None without one."""
    return request.cookies.get(cookie_name(request))


def csrf_token_of(session: str) -> str:
    """Returns the token that the pages of a session send with each change.

    It is derived from the secret of the session, which a page of another origin cannot read.
    """
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()


def _check_csrf_token(request: Request, session: str) -> None:
    given = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), csrf_token_of(session).encode()):
        raise MissingCsrfToken
