"""How the replica of a `direct` ingress takes its port.

Serve binds it without SO_REUSEADDR. With a range of one port that is the end of the API: when a
replica dies while somebody is connected, the kernel keeps the port for a minute, Serve calls it
taken and gives up after three replicas. Its proxies share their port, so does the replica here; an
old one that is still at its last requests is then not in the way either. The names patched are
internal, the Ray version is pinned, and a test kills a replica that somebody is connected to.
"""

from __future__ import annotations

from functools import wraps
from typing import Any


def share_the_port() -> None:
    """The replica of this process will bind its port with SO_REUSEADDR and SO_REUSEPORT."""
    from ray.serve._private import replica  # here: others import `deployment` and serve nothing

    module: Any = replica
    start = module.start_asgi_http_server

    @wraps(start)
    async def start_sharing(*arguments: Any, **named: Any) -> Any:
        return await start(*arguments, **{**named, "enable_so_reuseport": True})

    module.start_asgi_http_server = start_sharing
