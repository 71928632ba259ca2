"""A local Ray node without processes that the dashboard does not need, and a process that keeps its
handler of SIGTERM. Patches ray 2.60.0 (pinned).

Private names: `ray._private.parameter.RayParams`, `ray._private.services.start_ray_process` and
`ray._private.utils.set_sigterm_handler`.

Reason: `ray start` has options for the autoscaler monitor, the log monitor and the ports of the
node's agents, but `ray.init` has not. The dashboard program accepts a list of modules, but no API
passes one on. `ray.init` replaces the handler of SIGTERM by one that exits with status 15.

Check on upgrade: the parameters of `RayParams` set here, the option `--modules-to-load` of the
dashboard program, and the names of its modules;
tests/cluster/test_ray_node_patch.py starts a node and inspects its processes,
tests/end_to_end/test_dashboard.py requests what the pages of the dashboard request,
tests/end_to_end/test_starting.py sends SIGTERM while Ray starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ray._private import parameter, services, utils

from runtime.dashboard_mode import DashboardMode
from runtime.ports import free_port

# Of the lean dashboard. Omitted: DataHead, EventHead, TaskEventsHead, TrainHead, and MetricsHead,
# which embeds Grafana (metrics are at /metrics).
LEAN_MODULES = (
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
def local_node(dashboard: DashboardMode) -> Iterator[None]:
    """A node that `ray.init` starts in this block runs only what the dashboard mode needs.

    The autoscaler monitor writes the cluster status of the full dashboard; no cloud machines are
    requested. Without the log monitor, log lines of workers are not copied to drivers; the log
    files, and their view on the dashboard, stay. The agents, which start submitted jobs and prepare
    environments, get explicit ports: a node aborts if they have not chosen ports within 15 s
    (ray-project/ray#65983), and two nodes on a machine cannot share Ray's defaults.
    """
    original_params, original_start = parameter.RayParams, services.start_ray_process

    def start_with_modules(command: list[str], process_type: str, *rest: Any, **named: Any) -> Any:
        if process_type == "dashboard" and dashboard is DashboardMode.LEAN:
            command = [*command, f"--modules-to-load={','.join(LEAN_MODULES)}"]
        return original_start(command, process_type, *rest, **named)

    overrides: dict[str, Any] = {
        "no_monitor": dashboard is not DashboardMode.FULL,
        "include_log_monitor": False,
        **{port: free_port() for port in AGENT_PORTS},
    }
    _replace(parameter, "RayParams", partial(original_params, **overrides))
    _replace(services, "start_ray_process", start_with_modules)
    try:
        yield
    finally:
        _replace(parameter, "RayParams", original_params)
        _replace(services, "start_ray_process", original_start)


@contextmanager
def sigterm_handler_kept() -> Iterator[None]:
    """`ray.init` in this block does not replace the process's handler of SIGTERM."""
    original = utils.set_sigterm_handler
    _replace(utils, "set_sigterm_handler", lambda _handler: None)
    try:
        yield
    finally:
        _replace(utils, "set_sigterm_handler", original)


def _replace(module: object, name: str, value: object) -> None:
    setattr(module, name, value)
