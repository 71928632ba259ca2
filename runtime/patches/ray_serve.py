"""Ports, protocol and request queue of a Serve replica. Patches ray 2.60.0 (pinned).

Private names, all in `ray.serve._private.replica`: `start_asgi_http_server`, `ASGIDIReceiveProxy`
(with its `_queue`) and `add_port_to_grpc_server`.

Reasons:
    * Serve binds the port of a `direct` ingress without SO_REUSEADDR. If a replica dies while a
      client is connected, the kernel keeps the port for a minute. With a range of one port, Serve
      then considers it taken and gives up after three replicas. Serve's proxies share their port;
      here the replica does too, so that an old replica that completes its last requests does not
      block a new one.
    * For calls between deployments, a replica opens a gRPC port on all interfaces that unpickles
      its input. Here it binds to the address announced to peers, loopback on a single machine.
    * uvicorn uses a protocol class with deadlines and limits (serve_app/http/protocol.py).
    * Serve reads a request body into an unbounded queue, whether or not the app consumes it. Here
      the queue is bounded: backpressure slows the client down to the speed of the disk instead of
      filling the memory.

The last two apply only where the replica itself listens, not behind HAProxy or Ray's proxy.

Check on upgrade: the names above, the address "[::]:0" passed to `add_port_to_grpc_server`, and
that the server task reads `server.config.http` only when it starts;
tests/unit/runtime/test_ray_serve_patch.py, tests/chaos/test_api_deaths.py (kills a replica with a
connected client), tests/end_to_end/test_other_users.py (open ports).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any

MAX_QUEUED_MESSAGES = 16  # of 64 to 256 KiB each; uvicorn holds one more
ALL_INTERFACES = "[::]:0"


def patch_replica_ports(node_ip: str, protocol: type[Any]) -> None:
    """Patches the replica of this process.

    It listens on the port of the service with SO_REUSEADDR and SO_REUSEPORT, uses the uvicorn
    protocol class `protocol`, and binds its gRPC port to `node_ip` only.
    """
    from ray.serve._private import replica  # lazy: most importers of `deployment` serve nothing

    module: Any = replica
    module.start_asgi_http_server = _with_protocol(module.start_asgi_http_server, protocol)
    module.ASGIDIReceiveProxy = bounded_receive(module.ASGIDIReceiveProxy)
    module.add_port_to_grpc_server = _bound_to(node_ip, module.add_port_to_grpc_server)


def _with_protocol(start: Callable[..., Any], protocol: type[Any]) -> Callable[..., Any]:
    """Wraps the server start: shares the port and sets the protocol class."""

    @wraps(start)
    async def start_with_protocol(*arguments: Any, **named: Any) -> Any:
        task, server = await start(*arguments, **{**named, "enable_so_reuseport": True})
        server.config.http = protocol  # the task has not started yet and reads it then
        return task, server

    return start_with_protocol


def bounded_receive(proxy: type[Any]) -> type[Any]:
    """Returns a subclass of the `receive` proxy whose queue holds MAX_QUEUED_MESSAGES."""

    class BoundedReceive(proxy):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._queue = asyncio.Queue(MAX_QUEUED_MESSAGES)

    return BoundedReceive


def _bound_to(node_ip: str, add_port: Callable[..., Any]) -> Callable[..., Any]:
    host = f"[{node_ip}]" if ":" in node_ip else node_ip

    @wraps(add_port)
    def add_bound_port(server: Any, address: str) -> Any:
        return add_port(server, f"{host}:0" if address == ALL_INTERFACES else address)

    return add_bound_port
