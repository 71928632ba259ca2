"""The Ray node that the service starts: its processes, its dashboard, and jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
import ray

from actors.cluster import on_cluster, start_ray
from configs.settings import RaySettings
from runtime.dashboard_mode import DashboardMode
from runtime.ports import free_port
from tests.command_lines import command_of
from tests.paths import ROOT


@pytest.mark.parametrize("dashboard", DashboardMode)
def test_ray_node_runs_tasks_without_unused_processes(dashboard: DashboardMode) -> None:
    with node(dashboard) as report:
        pass
    commands = "\n".join(report["commands"])
    assert report["answer"] == 42
    assert "gcs_server" in commands and "raylet" in commands
    assert "log_monitor.py" not in commands
    full, off = dashboard is DashboardMode.FULL, dashboard is DashboardMode.OFF
    assert ("monitor.py" in commands) == full
    for name in ("Data", "Event", "Metrics"):
        assert (f"{name}Head-0" in commands) == full, name
    assert ("JobHead-0" in commands) == (not off)
    # The first requests of `ray job submit`, `serve deploy` and the dashboard pages.
    assert report["statuses"] == ([] if off else [200] * len(PATHS))


@pytest.mark.parametrize("dashboard", [DashboardMode.FULL, DashboardMode.LEAN])
def test_two_ray_nodes_on_one_machine_accept_jobs(dashboard: DashboardMode) -> None:
    with node(dashboard) as one, node(dashboard) as other:
        assert (one["job_status"], other["job_status"]) == (200, 200)


@contextmanager
def node(dashboard: DashboardMode) -> Iterator[dict[str, Any]]:
    """Yields the report of a separate node, which runs until the block ends."""
    # A process can join only one Ray cluster, and this one uses that of the other tests.
    command = [sys.executable, "-m", "tests.cluster.test_ray_node_patch", dashboard]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as program:
        assert program.stdin is not None and program.stdout is not None
        report = next((line for line in program.stdout if line.startswith("{")), None)
        assert report is not None, "the program ended"
        yield json.loads(report)
        program.stdin.close()
        assert program.wait(60) == 0


PATHS = ("/api/version", "/api/jobs/", "/api/serve/applications/", "/nodes?view=summary")


def return_42() -> int:
    """Runs in a worker of the node."""
    return 42


def _report(dashboard: DashboardMode) -> dict[str, Any]:
    """Starts a node; returns the commands of its processes and its responses."""
    port = free_port()
    node = start_ray(RaySettings(num_cpus=1, dashboard=dashboard, dashboard_port=port))
    answer = on_cluster(return_42, within_seconds=120)
    statuses = [_status(f"{node.dashboard_url}{path}") for path in PATHS if node.dashboard_url]
    jobs = f"{node.dashboard_url}/api/jobs/"
    job_status = bool(node.dashboard_url) and _status(jobs, b'{"entrypoint": "true"}')
    commands = [command_of(one) for one in psutil.Process().children(recursive=True)]
    return {"answer": answer, "commands": commands, "statuses": statuses, "job_status": job_status}


def _status(url: str, body: bytes | None = None) -> int:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


if __name__ == "__main__":
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    print(json.dumps(_report(DashboardMode(sys.argv[1]))), flush=True)
    sys.stdin.read()
    ray.shutdown()
