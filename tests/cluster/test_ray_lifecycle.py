"""ray_lifecycle: a process that disconnects from the cluster while it waits for a task."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from functools import partial
from typing import Any

import ray
from pytest import MonkeyPatch

from configs.settings import RaySettings, Settings
from runtime.dashboard_mode import DashboardMode
from serve_app.process import ray_lifecycle
from tests.service import ROOT


def sleep_long(_settings: str) -> None:
    """Runs in a worker of the node."""
    time.sleep(600)


def test_no_thread_waits_for_a_task_while_ray_disconnects() -> None:
    """Ray would end the process with status 1, without a message."""
    program = subprocess.run(
        [sys.executable, "-m", "tests.cluster.test_ray_lifecycle"],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert program.returncode == 0, program.stderr
    assert json.loads(program.stdout.splitlines()[-1]) == {"waiting": [], "ended": True}


def _disconnect_during_a_call() -> dict[str, Any]:
    """Returns the threads that wait when Ray disconnects, and whether the call has ended."""
    ray_lifecycle.connect(RaySettings(num_cpus=1, dashboard=DashboardMode.OFF), None)
    sleeping = partial(ray_lifecycle._run, sleep_long, Settings(), 600)  # pyright: ignore
    call = ray_lifecycle._in_thread(sleeping)  # pyright: ignore
    waiting = list[str]()
    shutdown = ray.shutdown

    def recorded() -> None:
        waiting.extend(one.name for one in threading.enumerate() if "run" in one.name)
        shutdown()

    with MonkeyPatch.context() as patch:
        patch.setattr(ray, "shutdown", recorded)
        ray_lifecycle.disconnect()
    return {"waiting": waiting, "ended": call.done()}


if __name__ == "__main__":
    print(json.dumps(_disconnect_during_a_call()))
