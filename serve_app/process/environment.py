"""Environment variables for Ray and Serve. They are read at import time: set them before."""

from __future__ import annotations

from pathlib import Path

from configs.settings import Settings
from domain.parser_environment import ONE_THREAD

# The API never blocks its event loop, so that it can share the loop of Serve. With a thread between
# them each chunk of a request acquires the GIL twice, a quarter of the CPU time of an upload.
# Freezing the garbage collector excludes the objects loaded at startup from later collections.
SINGLE_LOOP = {
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
    "RAY_SERVE_FREEZE_GC_ON_STARTUP": "1",
}

WORKER_IDLE_SECONDS = 120
"""How long Ray keeps idle worker processes above the number of CPUs; Ray's default is 1 s. A worker
needs 3 s of CPU time to start and import its libraries (record 17), and 140 MB."""
RAY_TOKEN = "ray_token"  # file in the home folder
# Makes 127.0.0.1 the address of the node, both for the process that starts the node and for those
# that join it. The variable is named after the operating systems that Ray introduced it for.
LOOPBACK_NODE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
# Attempts to connect to the control store of a joined cluster, which listens already. One attempt
# takes up to 40 s; Ray's default is 20 attempts.
ONE_ATTEMPT = {"RAY_gcs_server_port_wait_time_s": "1"}
# Periodic work of Ray, less often than by default: it takes an eighth of the CPU time of an idle
# service (docs/benchmarks.md).
LONGER_INTERVALS = {
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",  # default 0.1: looks for changes of the application
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "1000",  # default 100
    "METRICS_RECORD_INTERVAL_S": "15",  # default 5: CPU time and memory of the dashboard
    "EVENT_AGENT_REPORT_INTERVAL_SECONDS": "1",  # default 0.1
}


def ray_environment(settings: Settings) -> dict[str, str]:
    """Returns the variables for Ray.

    Telemetry is off. A cluster started here binds to loopback and requires the token in the home
    folder. A cluster that is joined has its own token, which Ray reads from the environment of the
    operator or from ~/.ray/auth_token.
    """
    own_cluster = {**ray_token_variables(settings.home / RAY_TOKEN), **LOOPBACK_NODE}
    return {
        **(ONE_ATTEMPT if settings.ray.address else own_cluster),
        **ONE_THREAD,  # embedding and OCR set the threads of their engines themselves
        "RAY_USAGE_STATS_ENABLED": "0",
        "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime would keep a database in ~/.cache/Microsoft
        "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
        "RAY_agent_register_timeout_ms": "120000",  # default 30,000: too short on a busy machine
        "RAY_worker_niceness": "0",  # default 15: other programs would starve the service
        "RAY_idle_worker_killing_time_threshold_ms": str(1000 * WORKER_IDLE_SECONDS),
        "RAY_ROTATION_MAX_BYTES": str(10 * 1024 * 1024),  # of each log, default 512 MB
        "RAY_ROTATION_BACKUP_COUNT": "2",
        "RAY_task_events_max_num_task_in_gcs": "1000",  # default 100,000: 4 MB per 100 papers
        "MALLOC_ARENA_MAX": "2",  # glibc would keep an arena per thread
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # its own pool retains freed memory: 70 MB
        "RAY_DASHBOARD_INGEST_PLATFORM_EVENTS": "1",  # else each page asks for them and gets a 404
        **LONGER_INTERVALS,
    }


def ray_token_variables(token: Path) -> dict[str, str]:
    """Returns the variables that make `ray.init` and Ray's commands send the token of a file."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}


def serve_environment(settings: Settings) -> dict[str, str]:
    """Returns the variables for Serve, by the kind of ingress.

    `direct`: the replicas themselves listen on the port of the service, one hop less than through
    a proxy. Serve assigns a port of the range to each replica and considers it taken until it has
    noticed the end of the replica. The range has two for each replica, so that a replacement does
    not wait; runtime/patches/ray_serve.py binds the first port of the range in every replica.
    """
    http = settings.http
    if http.ingress == "haproxy":
        return {**SINGLE_LOOP, "RAY_SERVE_ENABLE_HA_PROXY": "1"}
    if http.ingress == "proxy":
        return SINGLE_LOOP
    return {
        **SINGLE_LOOP,
        "RAY_SERVE_ENABLE_DIRECT_INGRESS": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(http.port),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(http.port + 2 * settings.api_processes),
        "RAY_SERVE_DIRECT_INGRESS_PORT_RETRY_COUNT": "1000",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0.1",
        "RAY_SERVE_PORT_QUARANTINE_S": "0",
    }
