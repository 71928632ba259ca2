"""Where the replica listens: on the service's port, and for its peers on its node's own address.

Serve binds the port of a `direct` ingress without SO_REUSEADDR. With a range of one port that is
the end of the API: when a replica dies while somebody is connected, the kernel keeps the port for
a minute, Serve calls it taken and gives up after three replicas. Its proxies share their port, so
does the replica here; an old one that is still at its last requests is then not in the way either.

For calls between deployments it opens a port on all interfaces that unpickles what comes: here it
is on the address that the peers are told, which is loopback on one machine.

The names patched are internal, the Ray version is pinned; one test kills a replica that somebody
is connected to, one looks for open doors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

ALL_INTERFACES = "[::]:0"


def listen_with_care(node_ip: str) -> None:
    """The replica of this process, on that node, will bind its ports as told above."""
    from ray.serve._private import replica  # here: others import `deployment` and serve nothing

    module: Any = replica
    module.start_asgi_http_server = _sharing_the_port(module.start_asgi_http_server)
    module.add_port_to_grpc_server = _only_at(node_ip, module.add_port_to_grpc_server)


def _sharing_the_port(start: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(start)
    async def start_sharing(*arguments: Any, **named: Any) -> Any:
        return await start(*arguments, **{**named, "enable_so_reuseport": True})

    return start_sharing


def _only_at(node_ip: str, add_port: Callable[..., Any]) -> Callable[..., Any]:
    host = f"[{node_ip}]" if ":" in node_ip else node_ip

    @wraps(add_port)
    def add_port_here(server: Any, address: str) -> Any:
        return add_port(server, f"{host}:0" if address == ALL_INTERFACES else address)

    return add_port_here
