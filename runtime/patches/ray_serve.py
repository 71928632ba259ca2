"""Ports, protocol, request queue and access log of a Serve replica. Patches ray 2.60.0 (pinned).

Private names, all in `ray.serve._private.replica`: `start_asgi_http_server`, `ASGIDIReceiveProxy`
(with its `_queue`) and `add_port_to_grpc_server`. In `ray.serve._private.constants`:
`RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT`, `RAY_SERVE_ENABLE_HA_PROXY`.

Reasons:
    * Serve gives each replica of a `direct` ingress a port of its own, and something in front must
      know them all. Here every replica listens on the first port of the range with SO_REUSEPORT:
      the kernel distributes new connections among them (socket(7)), and those of a dead replica to
      the others. The assigned ports exist only in the records of Serve. Behind HAProxy each replica
      keeps its port.
    * Serve binds that port without SO_REUSEADDR. If a replica dies while a client is connected, the
      kernel keeps the port for a minute. With SO_REUSEPORT, neither such connections nor an old
      replica that completes its last requests block a new one.
    * For calls between deployments, a replica opens a gRPC port on all interfaces that unpickles
      its input. Here it binds to the address announced to peers, loopback on a single machine.
    * uvicorn uses a protocol class with deadlines and limits (serve_app/http/protocol.py).
    * Serve reads a request body into an unbounded queue, whether or not the app consumes it. Here
      the queue is bounded: backpressure slows the client down to the speed of the disk instead of
      filling the memory.

    * Serve writes each line of the access log twice: to `serve/replica_*.log` and to stderr, which
      Ray keeps in another file. Writing to stderr took 5 % of the CPU time of an upload.

Protocol and queue apply only where the replica itself listens, not behind HAProxy or Ray's proxy.

Check on upgrade: the names above, the address "[::]:0" passed to `add_port_to_grpc_server`, that
the options are the second argument of `start_asgi_http_server`, that the server task reads
`server.config.http` only when it starts, and the attribute `serve_access_log` of log records;
tests/unit/runtime/test_ray_serve_patch.py, tests/chaos/test_api_deaths.py (kills a replica with a
connected client), tests/chaos/test_api_processes.py (two replicas on one port),
tests/end_to_end/test_other_users.py (open ports).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

MAX_QUEUED_MESSAGES = 16  # of 64 to 256 KiB each; uvicorn holds one more
ALL_INTERFACES = "[::]:0"


def patch_replica_ports(node_ip: str, protocol: type[Any]) -> None:
    """Patches the replica of this process.

    It listens on the port of the service together with the other replicas, uses the uvicorn
    protocol class `protocol`, and binds its gRPC port to `node_ip` only.
    """
    # lazy: most importers of `deployment` serve nothing
    from ray.serve._private import constants, replica

    module: Any = replica
    own_port = constants.RAY_SERVE_ENABLE_HA_PROXY
    port = None if own_port else constants.RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT
    module.start_asgi_http_server = shared_start(module.start_asgi_http_server, protocol, port)
    module.ASGIDIReceiveProxy = bounded_receive(module.ASGIDIReceiveProxy)
    module.add_port_to_grpc_server = _bound_to(node_ip, module.add_port_to_grpc_server)


def log_requests_to_file_only() -> None:
    """Removes the access log of this replica from stderr; its log file keeps it."""
    for handler in logging.getLogger("ray.serve").handlers:
        if type(handler) is logging.StreamHandler:
            handler.addFilter(lambda record: not getattr(record, "serve_access_log", False))


def shared_start(
    start: Callable[..., Any], protocol: type[Any], port: int | None
) -> Callable[..., Any]:
    """Returns the server start with the protocol class and a shared port.

    `port` replaces the port that Serve assigned; None keeps it.
    """

    @wraps(start)
    async def start_shared(app: Any, options: Any, **named: Any) -> Any:
        if port is not None:
            options = options.model_copy(update={"port": port})
        task, server = await start(app, options, **{**named, "enable_so_reuseport": True})
        server.config.http = protocol  # the task has not started yet and reads it then
        return task, server

    return start_shared


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
