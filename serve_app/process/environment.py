"""What Ray and Serve read from the environment while they are imported: to be set before."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from configs.settings import Settings

# The API never blocks its event loop, so it may share Serve's own: with a thread between them every
# piece of a request waits for Python's lock twice (a quarter of an upload's CPU). A collection of
# garbage walks what was loaded at the start no more.
ONE_LOOP = {
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
    "RAY_SERVE_FREEZE_GC_ON_STARTUP": "1",
}


RAY_TOKEN = "ray_token"  # file in the home
# Makes 127.0.0.1 the node's address, for who starts it and for who joins it; the name speaks of the
# systems it was made for.
LOOPBACK_NODE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


def ray_environment(settings: Settings) -> dict[str, str]:
    """Variables for Ray: no calls home; a cluster that is started here stays on loopback and asks
    for the token of the home. A cluster that is joined has a token of its own, which Ray finds in
    the operator's environment or in ~/.ray/auth_token.
    """
    alone = settings.ray.address is None
    return {
        **({**signed_in(settings.home / RAY_TOKEN), **LOOPBACK_NODE} if alone else {}),
        "RAY_USAGE_STATS_ENABLED": "0",
        "ORT_DISABLE_TELEMETRY": "1",  # else onnxruntime keeps a database in ~/.cache/Microsoft
        "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
        "RAY_agent_register_timeout_ms": "120000",  # 30,000 by default: a busy machine takes longer
        "RAY_worker_niceness": "0",  # 15 by default: any other program would starve the service
        "RAY_ROTATION_MAX_BYTES": str(10 * 1024 * 1024),  # 512 MB by default, of each log
        "RAY_ROTATION_BACKUP_COUNT": "2",
        "RAY_task_events_max_num_task_in_gcs": "1000",  # 100,000 by default: 4 MB per 100 papers
        "MALLOC_ARENA_MAX": "2",  # else glibc keeps an arena for each of many threads
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # its own pool keeps what was freed: 70 MB
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.25",  # 0.1 by default: 2 % of a core, for nothing
    }


def signed_in(token: Path) -> dict[str, str]:
    """Variables with which Ray's programs and `ray.init` show the token in that file."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}


def path_with_our_python() -> str:
    """PATH with this interpreter first: `python` of a submitted job finds our packages."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


def serve_environment(settings: Settings) -> dict[str, str]:
    """Variables for Serve, by the kind of ingress.

    `direct`: the replica itself listens on the service's port, one hop less than through a proxy.
    The port comes from a range of one, and must be free for the next replica at once.
    """
    http = settings.http
    if http.ingress == "haproxy":
        return {**ONE_LOOP, "RAY_SERVE_ENABLE_HA_PROXY": "1"}
    if http.ingress == "proxy":
        return ONE_LOOP
    return {
        **ONE_LOOP,
        "RAY_SERVE_ENABLE_DIRECT_INGRESS": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(http.port),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(http.port + 1),
        "RAY_SERVE_DIRECT_INGRESS_PORT_RETRY_COUNT": "1000",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0.1",
        "RAY_SERVE_PORT_QUARANTINE_S": "0",
    }
