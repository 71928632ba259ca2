"""Opens a PostgreSQL session that cannot block others for long, and says why it was refused."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from domain.errors import DatabaseRefused, DatabaseUnavailable
from runtime.outage_log import OutageLog
from stores.postgres.postgres_url import PostgresAddress

OUTAGES = OutageLog("PostgreSQL")

# SQLSTATE classes (PostgreSQL manual, appendix A): connection, transaction rolled back (deadlock),
# insufficient resources (disk full), operator intervention (shutting down, starting up), 25006, a
# database that only reads, and 25P03, a transaction that was idle for too long.
AWAY_STATES = ("08", "40", "53", "57", "25006", "25P03")
LOCK_NOT_AVAILABLE = "55P03"
_TLS_REFUSED = "rejected SSL upgrade"  # asyncpg: the server answered the request for TLS with no
_ADVICE: Mapping[str, str] = {
    "28P01": "Check the user name and the password of DATABASE_URL, or its passfile.",
    "28000": "The server's pg_hba.conf has no entry for this user, database, address and kind of "
    "encryption; add one, or change sslmode.",
    "3D000": "Create the database, or correct its name in DATABASE_URL.",
    "42501": "Grant the user CONNECT on the database.",
    "08P01": "If this is PgBouncer, add pgbouncer=true to DATABASE_URL.",
}
_OTHER_ADVICE = "Check the parameters of DATABASE_URL; docs/deployment.md explains them."


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session may hold others up; seconds.

    `command_seconds` is the client's limit for one statement, None for no limit. The others are
    enforced by the server, also when the client is gone: a transaction that waits for its client is
    rolled back after `idle_in_transaction_seconds`, a statement that waits for a lock fails after
    `lock_seconds`.
    """

    command_seconds: float | None = 30.0
    idle_in_transaction_seconds: float = 30.0
    lock_seconds: float = 5.0

    def server_settings(self) -> dict[str, str]:
        """The limits as PostgreSQL settings, with probes that notice a client that is cut off."""
        return {
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction_seconds),
            "lock_timeout": _milliseconds(self.lock_seconds),
            "tcp_keepalives_idle": "30",
            "tcp_keepalives_interval": "10",
            "tcp_keepalives_count": "3",
            "tcp_user_timeout": "60000",
            "client_connection_check_interval": "10000",
        }


async def open_session(address: PostgresAddress, limits: SessionLimits) -> asyncpg.Connection:
    """A new connection with these limits.

    Raises DatabaseRefused when the server answers and refuses, or when TLS cannot be had as the URL
    asks for it; DatabaseUnavailable when it does not answer.
    """
    _check_files(address)
    try:
        connection = await asyncpg.connect(
            address.dsn,
            timeout=address.connect_seconds,
            command_timeout=limits.command_seconds,
            server_settings=_startup_parameters(address, limits),
            **_special_arguments(address),
        )
    except (OSError, ValueError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        raise _named(error) from error
    _keep_alive(connection, address)
    return connection


def is_away(error: BaseException | None) -> bool:
    """True for a server that is shutting down, starting, full or cut off."""
    return _state(error).startswith(AWAY_STATES)


def _state(error: BaseException | None) -> str:
    """The SQLSTATE of an error of the server, else an empty string."""
    return getattr(error, "sqlstate", None) or ""


def _check_files(address: PostgresAddress) -> None:
    """Raises DatabaseRefused with the first file that cannot be read: asyncpg's error names none,
    and it overlooks a missing passfile."""
    for name, file in address.files.items():
        if not os.access(os.path.expanduser(file), os.R_OK):
            raise DatabaseRefused(
                f"The file {file}, which DATABASE_URL names as {name}, cannot be read on this "
                "machine. What was accepted is kept. Put it there, readable for the service's user."
            )


def _special_arguments(address: PostgresAddress) -> dict[str, Any]:
    special: dict[str, Any] = {}
    if address.system_cas:
        special["ssl"] = ssl.create_default_context()
    if address.pgbouncer:  # a prepared statement stays behind on a connection that others get
        special["statement_cache_size"] = 0
    return special


def _startup_parameters(address: PostgresAddress, limits: SessionLimits) -> dict[str, str]:
    """Startup parameters; what `options` of the URL sets itself is left to it.

    PgBouncer refuses parameters that it does not track: it gets the application's name alone.
    """
    if address.pgbouncer:
        return dict(address.startup)
    chosen = address.startup.get("options", "").replace("-", "_")
    ours = limits.server_settings()
    return {name: value for name, value in ours.items() if name not in chosen} | dict(
        address.startup
    )


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def _keep_alive(connection: asyncpg.Connection, address: PostgresAddress) -> None:
    """Keepalive probes of our side, as libpq sets them; not for a Unix socket."""
    transport: Any = getattr(connection, "_transport", None)
    link = transport.get_extra_info("socket") if transport is not None else None
    if link is None or link.family == socket.AF_UNIX or not address.keepalive:
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", address.keepalive_idle),
        ("TCP_KEEPINTVL", address.keepalive_interval),
        ("TCP_KEEPCNT", address.keepalive_count),
        ("TCP_USER_TIMEOUT", address.user_timeout_ms),
    ):
        if hasattr(socket, name):  # not every system has each of them
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _named(error: Exception) -> DatabaseUnavailable:
    """The error of a failed connection by what to do next; its cause is logged."""
    OUTAGES.note(error)
    advice = _advice(error)
    if advice is None:
        return DatabaseUnavailable()
    said = " ".join(str(error).split()).rstrip(".")[:200]
    return DatabaseRefused(
        f"The connection to PostgreSQL is refused: {said}. What was accepted is kept. {advice}"
    )


def _advice(error: Exception) -> str | None:
    """What the operator can change; None when the server is merely away."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Check sslrootcert and the host name of DATABASE_URL, or the server's certificate."
    if isinstance(error, ssl.SSLError):
        return "Check sslmode, sslcert and sslkey of DATABASE_URL, or the server's TLS settings."
    if isinstance(error, ConnectionError) and _TLS_REFUSED in str(error):
        return (
            "The server offers no TLS. Switch it on there, or write sslmode=disable into "
            "DATABASE_URL where the network may see passwords and papers."
        )
    if isinstance(error, asyncpg.PostgresError):
        state = _state(error)
        refuses = not is_away(error) or state == "08P01"
        return _ADVICE.get(state, _OTHER_ADVICE) if refuses else None
    if isinstance(error, asyncpg.InterfaceError | ValueError):
        return _OTHER_ADVICE
    return None
