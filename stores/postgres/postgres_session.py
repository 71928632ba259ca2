"""Opens PostgreSQL sessions with timeouts, and explains why a connection was refused."""

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

# SQLSTATE classes and codes (PostgreSQL manual, appendix A): connection exception, transaction
# rollback (deadlock), insufficient resources (disk full), operator intervention (shutting down,
# starting up), 25006 read-only transaction, 25P03 idle-in-transaction timeout.
UNAVAILABLE_STATES = ("08", "40", "53", "57", "25006", "25P03")
LOCK_NOT_AVAILABLE = "55P03"
_TLS_REFUSED = "rejected SSL upgrade"  # message of asyncpg if the server does not support TLS
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
    """Timeouts of a session in seconds, so that it cannot block others for long.

    `command_seconds` is the client-side timeout of a statement, None for no limit. The others are
    enforced by the server, even if the client has disconnected: a transaction that is idle for
    `idle_in_transaction_seconds` is rolled back, and a statement that waits for a lock fails after
    `lock_seconds`.
    """

    command_seconds: float | None = 30.0
    idle_in_transaction_seconds: float = 30.0
    lock_seconds: float = 5.0

    def server_settings(self) -> dict[str, str]:
        """Returns PostgreSQL settings for the timeouts and for the detection of dead clients."""
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
    """Opens a connection with these limits.

    Raises DatabaseRefused if the server rejects the connection or the TLS mode of the URL is not
    possible, and DatabaseUnavailable if the server does not respond.
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
        raise _translate(error) from error
    _keep_alive(connection, address)
    return connection


def is_unavailable(error: BaseException | None) -> bool:
    """True if the server is unreachable, starting, shutting down, or out of resources."""
    return _state(error).startswith(UNAVAILABLE_STATES)


def _state(error: BaseException | None) -> str:
    """Returns the SQLSTATE of a server error, else an empty string."""
    return getattr(error, "sqlstate", None) or ""


def _check_files(address: PostgresAddress) -> None:
    """Raises DatabaseRefused for the first file of the URL that cannot be read.

    The errors of asyncpg do not name the file, and asyncpg ignores a missing passfile.
    """
    for name, file in address.files.items():
        if not os.access(os.path.expanduser(file), os.R_OK):
            raise DatabaseRefused(
                f"The file {file}, which DATABASE_URL names as {name}, cannot be read on this "
                "machine. Accepted uploads are kept. Make the file readable for the service's user."
            )


def _special_arguments(address: PostgresAddress) -> dict[str, Any]:
    special: dict[str, Any] = {}
    if address.system_cas:
        special["ssl"] = ssl.create_default_context()
    if address.pgbouncer:  # prepared statements would remain on a connection of another client
        special["statement_cache_size"] = 0
    return special


def _startup_parameters(address: PostgresAddress, limits: SessionLimits) -> dict[str, str]:
    """Returns the startup parameters; settings in `options` of the URL take precedence.

    PgBouncer rejects parameters that it does not track, so it gets the application name only.
    """
    if address.pgbouncer:
        return dict(address.startup)
    options = address.startup.get("options", "").replace("-", "_")
    defaults = limits.server_settings()
    return {name: value for name, value in defaults.items() if name not in options} | dict(
        address.startup
    )


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def _keep_alive(connection: asyncpg.Connection, address: PostgresAddress) -> None:
    """Enables TCP keepalive on the client side, like libpq; does nothing for a Unix socket."""
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
        if hasattr(socket, name):  # platform-dependent
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _translate(error: Exception) -> DatabaseUnavailable:
    """Returns the error for a failed connection, with advice if it was refused; logs the cause."""
    OUTAGES.note(error)
    advice = _advice(error)
    if advice is None:
        return DatabaseUnavailable()
    reason = " ".join(str(error).split()).rstrip(".")[:200]
    return DatabaseRefused(
        f"PostgreSQL refused the connection: {reason}. Accepted uploads are kept. {advice}"
    )


def _advice(error: Exception) -> str | None:
    """Returns what the operator can change; None if the server is merely unavailable."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Check sslrootcert and the host name of DATABASE_URL, or the server's certificate."
    if isinstance(error, ssl.SSLError):
        return "Check sslmode, sslcert and sslkey of DATABASE_URL, or the server's TLS settings."
    if isinstance(error, ConnectionError) and _TLS_REFUSED in str(error):
        return (
            "The server does not support TLS. Enable it there, or add sslmode=disable to "
            "DATABASE_URL if the network may see passwords and papers."
        )
    if isinstance(error, asyncpg.PostgresError):
        state = _state(error)
        refuses = not is_unavailable(error) or state == "08P01"
        return _ADVICE.get(state, _OTHER_ADVICE) if refuses else None
    if isinstance(error, asyncpg.InterfaceError | ValueError):
        return _OTHER_ADVICE
    return None
