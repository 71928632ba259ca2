"""A libpq connection URL as the arguments that asyncpg takes.

asyncpg reads most parameters of a URL itself (hosts, passfile, TLS files, target_session_attrs). It
hands every parameter that it does not know to the server, which then refuses the connection. This
module accepts what libpq documents (PostgreSQL manual, 34.1.2), translates what asyncpg does not
know, and refuses the rest by name when the settings are read.
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

# asyncpg interprets these itself.
_ASYNCPG = frozenset({
    "host", "port", "dbname", "user", "password", "passfile", "sslmode", "sslcert", "sslkey",
    "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation", "ssl_min_protocol_version",
    "ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "gsslib",
})  # fmt: skip
# Parameters with one meaning here; any other value would change what was asked for silently.
_ONLY: Mapping[str, tuple[tuple[str, ...], str]] = {
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
_ALIASES = {"ssl": "sslmode", "database": "dbname"}  # as SQLAlchemy and asyncpg call them


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where and how to connect: a URL that asyncpg understands, and what it leaves to us."""

    dsn: str = field(repr=False)  # it may hold the password
    sslmode: str | None
    system_cas: bool
    files: Mapping[str, str]  # by parameter; each must be readable where the service runs
    connect_seconds: int
    startup: Mapping[str, str]  # startup parameters: application_name, options
    pgbouncer: bool
    keepalive: bool
    keepalive_idle: int
    keepalive_interval: int
    keepalive_count: int
    user_timeout_ms: int


def parse_postgres_url(url: str) -> PostgresAddress:
    """The address of a libpq URL. Raises InvalidSetting; its message holds no password.

    Without `sslmode` (or PGSSLMODE), a host that is neither loopback nor a Unix socket gets
    `require`: a server without TLS is refused, never used in plain text silently.
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
        raise ValueError("an @ that is not percent-encoded")
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
    """The parameters by libpq's names, each one known. Raises InvalidSetting."""
    given = {}
    for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        name = _ALIASES.get(name, name)
        _check_parameter(name, value)
        given[name] = value
    return given


def _check_parameter(name: str, value: str) -> None:
    if name in _ONLY:
        accepted, reason = _ONLY[name]
        _refuse_unless(value.lower() in accepted, name, f"{value!r} is not supported: {reason}")
    elif name in _CHOICES:
        choices = _CHOICES[name]
        _refuse_unless(value in choices, name, f"{value!r} is not one of {', '.join(choices)}")
    elif name not in _ASYNCPG and name not in _CLIENT and name not in _SERVER:
        raise InvalidSetting(
            f"DATABASE_URL holds the parameter {name!r}, which this service does not support. "
            "Remove it; docs/deployment.md lists the parameters that it knows."
        )


def _refuse_unless(holds: bool, name: str, reason: str) -> None:
    if not holds:
        raise InvalidSetting(f"The parameter {name} of DATABASE_URL: {reason}.")


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    _refuse_unless(value.isascii() and value.isdigit(), name, f"{value!r} is no whole number")
    return int(value)


def _startup(given: Mapping[str, str]) -> dict[str, str]:
    name = given.get("application_name") or given.get("fallback_application_name") or "paperworks"
    options = {"options": given["options"]} if given.get("options") else {}
    return {"application_name": name} | options


def _hosts(netloc: str, given: Mapping[str, str]) -> list[str]:
    """The host names of the URL without ports; what libpq falls back to where there are none."""
    listed = netloc.rpartition("@")[2] or given.get("host") or os.environ.get("PGHOST") or "/run"
    return [_without_port(unquote(host)) for host in listed.split(",")]


def _without_port(host: str) -> str:
    if host.startswith("/"):
        return host
    if bracketed := re.fullmatch(r"\[([^\]]+)\](?::\d+)?", host):
        return bracketed[1]
    name, _, port = host.partition(":")
    if port and not port.isdigit():
        raise ValueError(f"no port: {port}")
    return name


def _sslmode(given: Mapping[str, str], hosts: list[str], system_cas: bool) -> str | None:
    """The mode asked for; `require` across a network; None (asyncpg prefers TLS) on loopback."""
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
    """True for a Unix socket and for an address that never leaves this machine."""
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
