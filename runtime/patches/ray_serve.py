"""Where the replica listens: on the service's port, and for its peers on its node's own address.

Serve binds the port of a `direct` ingress without SO_REUSEADDR. With a range of one port that is
the end of the API: when a replica dies while somebody is connected, the kernel keeps the port for
a minute, Serve calls it taken and gives up after three replicas. Its proxies share their port, so
does the replica here; an old one that is still at its last requests is then not in the way either.

For calls between deployments it opens a port on all interfaces that unpickles what comes: here it
is on the address that the peers are told, which is loopback on one machine.

uvicorn gets a protocol with deadlines and limits (serve_app/http/protocol.py). Serve reads the body
of a request into a queue without end, whether the app takes it or not: here the queue has an end,
so that a client is slowed down to the speed of the disk and does not fill the memory. Both apply
where the replica listens itself, as do the others: in front of it HAProxy or Ray's proxy listen.

The names patched are internal, the Ray version is pinned; one test kills a replica that somebody
is connected to, one looks for open doors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any

RECEIVED_MESSAGES = 16  # of 64 to 256 KiB each; uvicorn holds one more
ALL_INTERFACES = "[::]:0"


def patch_replica_ports(node_ip: str, protocol: type[Any]) -> None:
    """Patches the replica of this process: it listens on the service's port with SO_REUSEADDR and
    SO_REUSEPORT and speaks HTTP with `protocol`, and its gRPC port is bound to `node_ip` only."""
    from ray.serve._private import replica  # here: others import `deployment` and serve nothing

    module: Any = replica
    module.start_asgi_http_server = _guarded(module.start_asgi_http_server, protocol)
    module.ASGIDIReceiveProxy = bounded_receive(module.ASGIDIReceiveProxy)
    module.add_port_to_grpc_server = _only_at(node_ip, module.add_port_to_grpc_server)


def _guarded(start: Callable[..., Any], protocol: type[Any]) -> Callable[..., Any]:
    """The start of a server that shares its port and speaks `protocol`."""

    @wraps(start)
    async def start_guarded(*arguments: Any, **named: Any) -> Any:
        task, server = await start(*arguments, **{**named, "enable_so_reuseport": True})
        server.config.http = protocol  # the task has not begun, so it is read then
        return task, server

    return start_guarded


def bounded_receive(proxy: type[Any]) -> type[Any]:
    """The class of a request's `receive`, with a queue that holds so many messages."""

    class BoundedReceive(proxy):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._queue = asyncio.Queue(RECEIVED_MESSAGES)

    return BoundedReceive


def _only_at(node_ip: str, add_port: Callable[..., Any]) -> Callable[..., Any]:
    host = f"[{node_ip}]" if ":" in node_ip else node_ip

    @wraps(add_port)
    def add_port_here(server: Any, address: str) -> Any:
        return add_port(server, f"{host}:0" if address == ALL_INTERFACES else address)

    return add_port_here
