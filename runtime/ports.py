"""Allocates TCP ports on the loopback address for embedded servers; checks ports."""

from __future__ import annotations

import random
import socket
import sys
from contextlib import suppress
from pathlib import Path

# Range of the ephemeral ports that the kernel assigns to connections and to binds of port 0.
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 20_000  # above the ports of Ray's workers (10002 to 19999) and most well-known ports
ATTEMPTS = 100
_reserved: list[socket.socket] = []
_claims: dict[int, socket.socket] = {}


def free_port() -> int:
    """Returns a loopback TCP port and reserves it for servers while this process lives.

    The port is below the ephemeral range, so that a restarted server finds it free. If the
    ephemeral range covers all ports (ip_local_port_range, Linux ip-sysctl.rst), it is any free
    port.
    """
    candidates = range(LOWEST, _lowest_ephemeral_port())
    for port in random.sample(candidates, min(ATTEMPTS, len(candidates))):
        with suppress(OSError):
            return _reserve(port)
    return _reserve(0)


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    """True if a connection to the port is accepted within half a second for each address of the
    host, after its name was resolved."""
    try:
        socket.create_connection((host, port), timeout=0.5).close()
    except (OSError, UnicodeError):  # UnicodeError: no valid name of a host
        return False
    return True


def port_or_free(preferred: int) -> int:
    """Returns the preferred loopback port, or a free port if a server listens on it or another
    process got it from this function and has not ended."""
    is_free = _claim(preferred) and not is_listening(preferred)
    return preferred if is_free else free_port()


def _claim(port: int) -> bool:
    """Returns whether no other process has claimed the port; the claim ends with this process.

    The claim is the name of an abstract Unix socket (Linux, unix(7)). A bound TCP socket is not
    suitable: after a restart, old connections of the port make the bind fail for a minute.
    """
    if port in _claims or sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0paperworks-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True


def _reserve(port: int) -> int:
    """Returns the reserved port; for 0, a port chosen by the kernel. Raises OSError if it is taken.

    A socket that is bound but does not listen reserves the port. Servers can still bind it, because
    they set SO_REUSEADDR (socket(7): the bind fails only if another socket listens). Here the
    option is set after the bind, so that the bind fails if another process reserved the port.
    """
    reservation = socket.socket()
    try:
        reservation.bind(("127.0.0.1", port))
    except OSError:
        reservation.close()
        raise
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _reserved.append(reservation)
    return reservation.getsockname()[1]


def _lowest_ephemeral_port() -> int:
    try:
        return int(EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return LOWEST
