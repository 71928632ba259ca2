"""ray_lifecycle: a process that disconnects from the cluster while it waits for a task."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from functools import partial
from typing import Any

import psutil
import ray
from pytest import MonkeyPatch

from actors.registry import detached_actor
from configs.settings import RaySettings, Settings
from domain.names import JOB_MANAGER
from runtime.dashboard_mode import DashboardMode
from serve_app.process import ray_lifecycle
from tests.command_lines import command_of
from tests.paths import ROOT
from tests.timing import wait_until


def sleep_long(_settings: str) -> None:
    """Runs in a worker of the node."""
    time.sleep(600)


class DrainingManager:
    """A JobManager that has returned its tasks."""

    def drain(self, _seconds: float) -> int:
        return 3


def test_no_thread_waits_for_a_task_while_ray_disconnects() -> None:
    """Ray would end the process with status 1, without a message."""
    assert run_alone("disconnect") == {"waiting": [], "ended": True}


def test_stop_states_that_tasks_were_returned_if_only_the_end_is_late() -> None:
    [message] = run_alone("stop")
    assert message.startswith("The processes of the service are killed: ")
    assert message.endswith(". All tasks were returned to the queue.")


def test_stop_without_a_cluster_starts_none() -> None:
    assert run_alone("stop_unconnected") == {"is_connected": False}


def test_call_that_was_given_up_is_cancelled_on_the_cluster() -> None:
    assert run_alone("cancel") == {"was_cancelled": True, "is_running": False}


def run_alone(program: str) -> Any:
    """Returns what this module prints as a program: a process joins only one cluster."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.test_ray_lifecycle", program],
        cwd=ROOT,
        capture_output=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


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


def _stop_with_a_late_end() -> list[str]:
    """Returns the messages of a stop whose second process does not end the actors in time."""
    ray_lifecycle.connect(RaySettings(num_cpus=1, dashboard=DashboardMode.OFF), None)
    manager = detached_actor(DrainingManager, JOB_MANAGER, num_cpus=0).remote()
    ray.get(manager.drain.remote(0))
    messages = list[str]()
    with MonkeyPatch.context() as patch:
        patch.setattr(ray_lifecycle, "_undeploy", sleep_long)
        patch.setattr(ray_lifecycle, "STOP_TIMEOUT_SECONDS", 5.0)
        patch.setattr(ray_lifecycle.log, "warning", lambda text, *of: messages.append(text % of))
        ray_lifecycle.stop(Settings())
    return messages


def _cancel() -> dict[str, Any]:
    """Returns whether the process of a call runs before and after the call was given up."""
    ray_lifecycle.connect(RaySettings(num_cpus=1, dashboard=DashboardMode.OFF), None)
    given_up = threading.Event()
    run = ray_lifecycle._run  # pyright: ignore
    call = partial(run, sleep_long, Settings(), 600, given_up, cancels=True)
    future = ray_lifecycle._in_thread(call)  # pyright: ignore
    wait_until(_sleeps)
    given_up.set()
    was_cancelled = isinstance(future.exception(), CancelledError)
    wait_until(lambda: not _sleeps())
    return {"was_cancelled": was_cancelled, "is_running": _sleeps()}


def _sleeps() -> bool:
    """True if a process of this node runs `sleep_long`."""
    workers = psutil.Process().children(recursive=True)
    return any(f"ray::{sleep_long.__name__}" in command_of(worker) for worker in workers)


def _stop_unconnected() -> dict[str, Any]:
    """Returns whether the process is connected to a cluster after a stop without one."""
    ray_lifecycle.stop(Settings())
    return {"is_connected": ray.is_initialized()}


if __name__ == "__main__":
    programs = {
        "disconnect": _disconnect_during_a_call,
        "stop": _stop_with_a_late_end,
        "stop_unconnected": _stop_unconnected,
        "cancel": _cancel,
    }
    print(json.dumps(programs[sys.argv[1]]()))
