"""The Ray node that the service starts: what runs on it, and that it does what we need of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray

from actors.cluster import on_cluster, start_ray
from configs.settings import RaySettings
from runtime.ports import free_port

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("dashboard", [True, False])
def test_ray_node_runs_tasks_without_unused_processes(dashboard: bool) -> None:
    with node(dashboard) as seen:
        pass
    commands = "\n".join(seen["commands"])
    assert seen["answer"] == 42
    assert "gcs_server" in commands and "raylet" in commands
    assert "log_monitor.py" not in commands
    assert "monitor.py" not in commands
    assert not any(f"{name}Head-0" in commands for name in ("Train", "Data", "Event", "Metrics"))
    assert ("JobHead-0" in commands) == dashboard
    # What `ray job submit`, `serve deploy` and the pages of the dashboard ask first.
    assert seen["statuses"] == ([200] * len(PATHS) if dashboard else [])


def test_two_ray_nodes_on_one_machine_accept_jobs() -> None:
    with node(True) as one, node(True) as other:
        assert (one["submitted"], other["submitted"]) == (200, 200)


@contextmanager
def node(dashboard: bool) -> Iterator[dict[str, Any]]:
    """What a node of its own was seen to do; it runs until the block ends."""
    # A process can be in one Ray cluster only, and this one is in that of the other tests.
    command = [sys.executable, "-m", "tests.cluster.test_ray_node_patch", str(int(dashboard))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as program:
        assert program.stdin is not None and program.stdout is not None
        seen = next((line for line in program.stdout if line.startswith("{")), None)
        assert seen is not None, "the program ended"
        yield json.loads(seen)
        program.stdin.close()
        assert program.wait(60) == 0


PATHS = ("/api/version", "/api/jobs/", "/api/serve/applications/", "/nodes?view=summary")


def answer_of_a_task() -> int:
    """Runs in a worker of the node."""
    return 42


def _report(dashboard: bool) -> dict[str, Any]:
    """What runs under this process once it has a node, and what the node answers."""
    port = free_port()
    node = start_ray(RaySettings(num_cpus=1, dashboard=dashboard, dashboard_port=port))
    answer = on_cluster(answer_of_a_task, within_seconds=120)
    statuses = [_status(f"{node.dashboard_url}{path}") for path in PATHS if node.dashboard_url]
    submitted = dashboard and _status(f"{node.dashboard_url}/api/jobs/", b'{"entrypoint": "true"}')
    commands = [" ".join(one.cmdline()) for one in psutil.Process().children(recursive=True)]
    return {"answer": answer, "commands": commands, "statuses": statuses, "submitted": submitted}


def _status(url: str, body: bytes | None = None) -> int:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


if __name__ == "__main__":
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    print(json.dumps(_report(sys.argv[1] == "1")), flush=True)
    sys.stdin.read()
    ray.shutdown()
