"""The API dies, or who keeps it: it is back on the same port, also for whoever was connected."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from domain.names import APPLICATION
from tests.chaos.victims import Victim, those, victims
from tests.service import RunningService

WITHIN_SECONDS = 120.0
KILLED = {victim.name: victim for victim in victims(4) if victim.stopped_seconds is None}


@pytest.fixture
def connected(service: RunningService) -> Iterator[httpx.Client]:
    """A client with a connection that is kept open."""
    with httpx.Client(base_url=service.url, timeout=5) as http:
        assert http.get("/livez").status_code == 200
        yield http


def test_serve_controller_replaces_dead_replica(
    service: RunningService, connected: httpx.Client
) -> None:
    before = kill(KILLED["Serve replica"], service)
    wait_until_well(connected)
    assert pids(KILLED["Serve replica"], service) != before


def test_serve_replica_survives_controller_restart(
    service: RunningService, connected: httpx.Client
) -> None:
    replicas = pids(KILLED["Serve replica"], service)
    kill(KILLED["Serve controller"], service)
    wait_until(lambda: running_replicas(service))
    assert running_replicas(service) == replicas
    assert connected.get("/livez").status_code == 200


def running_replicas(service: RunningService) -> set[int]:
    """Pids of the replicas that the Serve controller calls running; none while it is away."""
    try:
        url = f"{service.service_info['dashboard_url']}/api/serve/applications/"
        application = httpx.get(url, headers=service.ray_headers, timeout=5).json()["applications"][
            APPLICATION
        ]
        replicas = application["deployments"]["api"]["replicas"]
    except (httpx.TransportError, ValueError, KeyError):
        return set()
    return {replica["pid"] for replica in replicas if replica["state"] == "RUNNING"}


def kill(victim: Victim, service: RunningService) -> set[int]:
    """The pids of those that were killed."""
    doomed = pids(victim, service)
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    return doomed


def pids(victim: Victim, service: RunningService) -> set[int]:
    return {process.pid for process in those(victim, service.process.pid)}


def wait_until_well(http: httpx.Client) -> None:
    """Returns when the service is ready again."""

    def is_ready() -> bool:
        try:
            return http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    wait_until(is_ready)


def wait_until(so_far: Callable[[], object]) -> None:
    """Returns when it has come so far."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not so_far():
        assert time.monotonic() < deadline, "it did not come back"
        time.sleep(0.2)
