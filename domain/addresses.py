"""Removes passwords from store addresses."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

SECRET_PARAMETERS = ("password", "sslpassword")  # of a libpq URL (PostgreSQL manual, 32.1.2)


def without_password(url: str) -> str:
    """Returns the URL without its password, safe to show and store; unchanged if it has none."""
    parts = urlsplit(url)
    userinfo, at, hosts = parts.netloc.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    query = parse_qsl(parts.query, keep_blank_values=True)
    public = [(name, value) for name, value in query if name not in SECRET_PARAMETERS]
    if not colon and public == query:
        return url
    new_query = parts.query if public == query else urlencode(public, quote_via=quote_plus)
    return urlunsplit(parts._replace(netloc=f"{user}{at}{hosts}", query=new_query))


def has_password(url: str | None) -> bool:
    """True if the URL contains a password."""
    return url is not None and without_password(url) != url
