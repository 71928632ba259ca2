"""Converts a libpq connection URL into arguments of asyncpg.

asyncpg handles most parameters of a URL itself (hosts, passfile, TLS files, target_session_attrs).
It passes unknown parameters to the server, which then rejects the connection. This module accepts
the parameters of libpq (PostgreSQL manual, 34.1.2), translates those that asyncpg does not support,
and rejects the rest by name when the settings are read.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from domain.errors import InvalidSetting

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
TARGETS = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
CONNECT_SECONDS = 5
SYSTEM_CAS = "system"  # sslrootcert=system: the certificate authorities of the operating system

# Parameters that asyncpg interprets itself.
_ASYNCPG = frozenset({
    "host", "port", "dbname", "user", "password", "passfile", "sslmode", "sslcert", "sslkey",
    "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation", "ssl_min_protocol_version",
    "ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "gsslib",
})  # fmt: skip
# Parameters with a fixed behaviour: accepted values and the reason. Other values are rejected,
# because ignoring them would silently change the requested behaviour.
_FIXED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "channel_binding": (
        ("prefer", "disable"),
        "asyncpg has no channel binding; sslmode=verify-full protects the same connection",
    ),
    "gssencmode": (("prefer", "disable"), "asyncpg has no GSSAPI encryption; use sslmode"),
    "client_encoding": (("utf8", "utf-8", "auto"), "the service speaks UTF-8 only"),
    "load_balance_hosts": (("disable",), "hosts are tried in the order of the URL"),
    "sslcompression": (("0",), "TLS compression is unsafe and not supported"),
    "sslsni": (("1",), "the server name is always sent"),
    "replication": (("false", "off", "no", "0"), "the service needs an ordinary session"),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "sslmode": SSL_MODES,
    "target_session_attrs": TARGETS,
    "pgbouncer": ("true", "false"),
    "keepalives": ("0", "1"),
    "sslnegotiation": ("postgres", "direct"),
}
_KEEPALIVES = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count")
_CLIENT = ("connect_timeout", "tcp_user_timeout", "pgbouncer", *_KEEPALIVES)
_SERVER = ("application_name", "fallback_application_name", "options")
_ALIASES = {"ssl": "sslmode", "database": "dbname"}  # names used by SQLAlchemy and asyncpg


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A URL that asyncpg supports, and the parameters that the service handles itself."""

    dsn: str = field(repr=False)  # may contain the password
    sslmode: str | None
    system_cas: bool
    files: Mapping[str, str]  # by parameter; must be readable on the service's machine
    connect_seconds: int
    startup: Mapping[str, str]  # startup parameters: application_name, options
    pgbouncer: bool
    keepalive: bool
    keepalive_idle: int
    keepalive_interval: int
    keepalive_count: int
    user_timeout_ms: int


def parse_postgres_url(url: str) -> PostgresAddress:
    """Parses a libpq URL. Raises InvalidSetting, whose message never contains the password.

    Without `sslmode` (or PGSSLMODE), the mode is `require` unless all hosts are loopback or Unix
    sockets: a server without TLS is rejected instead of silently used in plain text.
    """
    try:
        return _parsed(url)
    except ValueError as error:
        raise InvalidSetting(
            "DATABASE_URL cannot be read as postgresql://user:password@host:port/database. "
            "Percent-encode special characters of the user name and the password, for example / "
            "as %2F and @ as %40."
        ) from error


def _parsed(url: str) -> PostgresAddress:
    scheme, separator, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if not separator or kind not in ("postgres", "postgresql"):
        raise InvalidSetting("DATABASE_URL must begin with postgresql://.")
    parts = urlsplit(f"postgresql://{rest}")
    given = _parameters(parts.query)
    if parts.netloc.count("@") > 1:
        raise ValueError("unencoded @ in user name or password")
    hosts = _hosts(parts.netloc, given)
    system_cas = given.get("sslrootcert") == SYSTEM_CAS
    sslmode = _sslmode(given, hosts, system_cas)
    own = {name: value for name, value in given.items() if name in _ASYNCPG}
    if sslmode is not None:
        own["sslmode"] = sslmode
    if system_cas:
        del own["sslrootcert"]
    return PostgresAddress(
        dsn=parts._replace(query=urlencode(own)).geturl(),
        sslmode=sslmode,
        system_cas=system_cas,
        files={name: own[name] for name in FILES if own.get(name)},
        connect_seconds=_whole(given, "connect_timeout", 0) or CONNECT_SECONDS,
        startup=_startup(given),
        pgbouncer=given.get("pgbouncer") == "true",
        keepalive=_whole(given, "keepalives", 1) != 0,
        keepalive_idle=_whole(given, "keepalives_idle", 30),
        keepalive_interval=_whole(given, "keepalives_interval", 10),
        keepalive_count=_whole(given, "keepalives_count", 3),
        user_timeout_ms=_whole(given, "tcp_user_timeout", 60_000),
    )


def _parameters(query: str) -> dict[str, str]:
    """Returns the parameters by their libpq names. Raises InvalidSetting for unknown ones."""
    given = {}
    for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        name = _ALIASES.get(name, name)
        _check_parameter(name, value)
        given[name] = value
    return given


def _check_parameter(name: str, value: str) -> None:
    if name in _FIXED:
        accepted, reason = _FIXED[name]
        _refuse_unless(value.lower() in accepted, name, f"{value!r} is not supported: {reason}")
    elif name in _CHOICES:
        choices = _CHOICES[name]
        _refuse_unless(value in choices, name, f"{value!r} is not one of {', '.join(choices)}")
    elif name not in _ASYNCPG and name not in _CLIENT and name not in _SERVER:
        raise InvalidSetting(
            f"DATABASE_URL contains the parameter {name!r}, which this service does not support. "
            "Remove it; docs/deployment.md lists the supported parameters."
        )


def _refuse_unless(holds: bool, name: str, reason: str) -> None:
    if not holds:
        raise InvalidSetting(f"The parameter {name} of DATABASE_URL: {reason}.")


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    _refuse_unless(value.isascii() and value.isdigit(), name, f"{value!r} is not a whole number")
    return int(value)


def _startup(given: Mapping[str, str]) -> dict[str, str]:
    name = given.get("application_name") or given.get("fallback_application_name") or "paperworks"
    options = {"options": given["options"]} if given.get("options") else {}
    return {"application_name": name} | options


def _hosts(netloc: str, given: Mapping[str, str]) -> list[str]:
    """Returns the host names of the URL without ports, or the default of libpq."""
    listed = netloc.rpartition("@")[2] or given.get("host") or os.environ.get("PGHOST") or "/run"
    return [_without_port(unquote(host)) for host in listed.split(",")]


def _without_port(host: str) -> str:
    if host.startswith("/"):
        return host
    if bracketed := re.fullmatch(r"\[([^\]]+)\](?::\d+)?", host):
        return bracketed[1]
    name, _, port = host.partition(":")
    if port and not port.isdigit():
        raise ValueError(f"invalid port: {port}")
    return name


def _sslmode(given: Mapping[str, str], hosts: list[str], system_cas: bool) -> str | None:
    """Returns the requested mode, else `require`, or None (asyncpg prefers TLS) for local hosts."""
    mode = given.get("sslmode") or os.environ.get("PGSSLMODE")
    if system_cas:
        _refuse_unless(
            mode in (None, "verify-full"), "sslrootcert", "'system' needs sslmode=verify-full"
        )
        return "verify-full"
    if mode is not None:
        return mode
    return None if all(map(is_local, hosts)) else "require"


def is_local(host: str) -> bool:
    """True for a Unix socket and for a loopback address."""
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
