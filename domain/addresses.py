"""Addresses of stores, with and without the password that may stand in them."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

SECRET_PARAMETERS = ("password", "sslpassword")  # of a libpq URL (PostgreSQL manual, 32.1.2)


def without_password(url: str) -> str:
    """The URL as it may be shown and stored; unchanged where it holds no password."""
    parts = urlsplit(url)
    signed_in_as, at, hosts = parts.netloc.rpartition("@")
    user, colon, _ = signed_in_as.partition(":")
    query = parse_qsl(parts.query, keep_blank_values=True)
    public = [(name, value) for name, value in query if name not in SECRET_PARAMETERS]
    if not colon and public == query:
        return url
    shown = parts.query if public == query else urlencode(public, quote_via=quote_plus)
    return urlunsplit(parts._replace(netloc=f"{user}{at}{hosts}", query=shown))


def has_password(url: str | None) -> bool:
    """True when a password stands in the URL."""
    return url is not None and without_password(url) != url
