"""Rejects requests of other web pages: by Host (DNS rebinding) and by Origin (CSRF).

A browser lets any page send requests to loopback. A page whose host name resolves to 127.0.0.1 has
the same origin as the service in the browser; only the Host header reveals it (DNS rebinding). A
page of another origin cannot read responses, because there are no CORS headers, but its simple
requests arrive; only Sec-Fetch-Site and Origin reveal it (cross-site request forgery, CSRF).
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.errors import PaperworksError
from runtime.http_options import HttpOptions
from serve_app.api.problems import error_response
from serve_app.http.errors import CrossSiteRequest, InvalidHost, UnknownHost

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CROSS_SITE_VALUES = frozenset({"cross-site", "same-site"})
ANY_ADDRESS = frozenset({"0.0.0.0", "::", ""})
MAX_AUTHORITY_CHARACTERS = 300  # a DNS name has at most 253 characters
DEFAULT_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?")
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/]+)")


class Origin(NamedTuple):
    """Scheme, lower-case host and port (the default port of the scheme if none is given)."""

    scheme: str
    host: str
    port: int


class OriginCheck:
    """ASGI middleware: 421 for an unknown Host, 403 for cross-site requests with unsafe methods.

    Known hosts are loopback, the configured host and `hosts`. If the service listens on all
    addresses, every IP address is accepted as well: DNS rebinding needs a host name.
    """

    def __init__(self, app: ASGIApp, limits: HttpOptions) -> None:
        self.app = app
        named = (limits.host, *limits.hosts)
        self.hosts = frozenset(_bracketed(name.lower()) for name in named)
        self.origins = frozenset(filter(None, map(origin_of, limits.origins)))
        self.any_address = limits.host in ANY_ADDRESS
        self._is_own_host = lru_cache(maxsize=256)(self._matches_own_host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = self._refusal(scope) if scope["type"] == "http" else None
        if error is None:
            await self.app(scope, receive, send)
        else:
            await error_response(Request(scope), error)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PaperworksError | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = authority_of(scope["scheme"], hosts[0]) if len(hosts) == 1 else None
        if host is None:
            return InvalidHost()
        if not self._is_own_host(host):
            return UnknownHost()
        if scope["method"] not in SAFE_METHODS and self._is_cross_site(headers, host):
            return CrossSiteRequest()
        return None

    def _matches_own_host(self, origin: Origin) -> bool:
        if origin.host == "localhost" or origin.host in self.hosts:
            return True
        if f"{origin.host}:{origin.port}" in self.hosts:
            return True
        try:
            address = ip_address(origin.host.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or self.any_address

    def _is_cross_site(self, headers: Headers, own: Origin) -> bool:
        origins = list(map(origin_of, headers.getlist("origin")))
        if origins and self.origins.issuperset(origins):
            return False
        is_cross_site = not CROSS_SITE_VALUES.isdisjoint(headers.getlist("sec-fetch-site"))
        return is_cross_site or any(origin != own for origin in origins)


def authority_of(scheme: str, header: str) -> Origin | None:
    """Returns the origin of a Host header, None if the header is invalid."""
    return _parsed(scheme, header) if len(header) <= MAX_AUTHORITY_CHARACTERS else None


@lru_cache(maxsize=256)
def _parsed(scheme: str, header: str) -> Origin | None:
    match = _AUTHORITY.fullmatch(header.lower())
    if match is None:
        return None
    port = match["port"]
    return Origin(scheme, match["host"], int(port) if port else DEFAULT_PORTS.get(scheme, 80))


def origin_of(header: str) -> Origin | None:
    """Returns the origin of an Origin header; None for `null` and non-HTTP schemes."""
    match = _ORIGIN.fullmatch(header.lower())
    return authority_of(match["scheme"], match["authority"]) if match else None


def _bracketed(host: str) -> str:
    """Returns the host in the form of a Host header: IPv6 addresses in brackets."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
