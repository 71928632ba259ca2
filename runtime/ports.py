"""TCP ports on the loopback address for servers of our own."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path

# What the kernel hands out unasked, to connections and to servers that take any port.
HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 20_000  # above the ports of Ray's workers (10002 to 19999) and most well-known ones
TRIES = 100
_kept: list[socket.socket] = []


def free_port() -> int:
    """A loopback TCP port that nobody else is given while this process lives, but for a server.

    It is one that the kernel gives to nobody unasked, so that a server that is started again finds
    it free; where the kernel hands out all ports (ip_local_port_range, Linux' ip-sysctl.rst), it is
    any free one.
    """
    reserved = range(LOWEST, _lowest_handed_out())
    for port in random.sample(reserved, min(TRIES, len(reserved))):
        with suppress(OSError):
            return _keep(port)
    return _keep(0)


def somebody_listens(port: int) -> bool:
    """True when a connection to the loopback port is accepted."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def port_or_free(wanted: int) -> int:
    """The wanted loopback port, or a free one when somebody listens there."""
    return free_port() if somebody_listens(wanted) else wanted


def _keep(port: int) -> int:
    """The port, or the one that the kernel gave for 0. Raises OSError when somebody has it.

    Bound and not listening, it is nobody else's; servers may have it, for they set SO_REUSEADDR
    (socket(7): a bind fails only if another socket listens). We set it behind our bind, which has
    to fail where another process keeps the port.
    """
    keeper = socket.socket()
    try:
        keeper.bind(("127.0.0.1", port))
    except OSError:
        keeper.close()
        raise
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _kept.append(keeper)
    return keeper.getsockname()[1]


def _lowest_handed_out() -> int:
    try:
        return int(HANDED_OUT.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return LOWEST
