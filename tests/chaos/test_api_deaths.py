"""Death of a Serve replica or of the Serve controller: the API stays on its port, also for clients
with an open connection."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from domain.names import APPLICATION
from tests.chaos.targets import Target, all_targets, find_processes
from tests.service import RunningService
from tests.timing import wait_until

RECOVERY_TIMEOUT_SECONDS = 120.0
KILLED = {target.name: target for target in all_targets(4) if target.stopped_seconds is None}


@pytest.fixture
def connected(service: RunningService) -> Iterator[httpx.Client]:
    """A client with an open keep-alive connection."""
    with httpx.Client(base_url=service.url, timeout=5) as http:
        assert http.get("/livez").status_code == 200
        yield http


def test_serve_controller_replaces_dead_replica(
    service: RunningService, connected: httpx.Client
) -> None:
    before = kill(KILLED["Serve replica"], service)
    wait_until(lambda: is_ready(connected), RECOVERY_TIMEOUT_SECONDS, 0.2)
    assert pids(KILLED["Serve replica"], service) != before


def test_serve_replica_survives_controller_restart(
    service: RunningService, connected: httpx.Client
) -> None:
    replicas = pids(KILLED["Serve replica"], service)
    kill(KILLED["Serve controller"], service)
    wait_until(lambda: bool(running_replicas(service)), RECOVERY_TIMEOUT_SECONDS, 0.2)
    assert running_replicas(service) == replicas
    assert connected.get("/livez").status_code == 200


def running_replicas(service: RunningService) -> set[int]:
    """Returns the pids of the replicas in state RUNNING; none while the controller is down."""
    try:
        url = f"{service.service_info['dashboard_url']}/api/serve/applications/"
        application = httpx.get(url, headers=service.ray_headers, timeout=5).json()["applications"][
            APPLICATION
        ]
        replicas = application["deployments"]["api"]["replicas"]
    except (httpx.TransportError, ValueError, KeyError):
        return set()
    return {replica["pid"] for replica in replicas if replica["state"] == "RUNNING"}


def kill(target: Target, service: RunningService) -> set[int]:
    """Kills every process of that role; returns their pids."""
    killed = pids(target, service)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    return killed


def pids(target: Target, service: RunningService) -> set[int]:
    return {process.pid for process in find_processes(target, service.process.pid)}


def is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
