"""A Ray node of its own for one machine, without the processes that nothing here uses.

`ray start` has switches for the autoscaler's monitor, the log monitor and the port of the node's
agent, `ray.init` has not; the dashboard's program takes a list of modules, but nothing passes one
on. The names patched here are internal, the Ray version is pinned, and a test starts a node and
looks at what runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ray._private import parameter, services

from runtime.ports import free_port

# Left out: TrainHead; EventHead, whose API the pages do not ask; MetricsHead, which embeds Grafana
# (the numbers are at /metrics); and DataHead, unless there are statistics for it to show.
DASHBOARD_MODULES = (
    "JobHead",
    "NodeHead",
    "ReportHead",
    "ServeHead",
    "StateHead",
    "UsageStatsHead",
)

AGENT_PORTS = (
    "dashboard_agent_listen_port",
    "metrics_agent_port",
    "metrics_export_port",
    "runtime_env_agent_port",
)


@contextmanager
def lean_node(*, data_statistics: bool) -> Iterator[None]:
    """A node that `ray.init` starts in this block has no monitors and a smaller dashboard.

    Without them nobody asks a cloud for machines, nor copies the workers' log lines to drivers; the
    log files themselves, and the dashboard's view of them, stay. Its agents, which start submitted
    jobs and prepare environments, are told their ports: a node aborts when they have not chosen
    some within 15 s (ray-project/ray#65983), and of two nodes on a machine only one can have Ray's.
    """
    whole, start = parameter.RayParams, services.start_ray_process
    modules = (*DASHBOARD_MODULES, "DataHead") if data_statistics else DASHBOARD_MODULES

    def start_less(command: list[str], process_type: str, *rest: Any, **named: Any) -> Any:
        if process_type == "dashboard" and "--disable-frontend" not in command:
            command = [*command, f"--modules-to-load={','.join(modules)}"]
        return start(command, process_type, *rest, **named)

    less: dict[str, Any] = {
        "no_monitor": True,
        "include_log_monitor": False,
        **{port: free_port() for port in AGENT_PORTS},
    }
    _put(parameter, "RayParams", partial(whole, **less))
    _put(services, "start_ray_process", start_less)
    try:
        yield
    finally:
        _put(parameter, "RayParams", whole)
        _put(services, "start_ray_process", start)


def _put(module: object, name: str, value: object) -> None:
    setattr(module, name, value)
