"""The service's life on Ray: the cluster under it, what comes up there, what goes down.

Imports Ray, which reads its environment while it is imported: set that before. Every wait has an
end, also when the cluster has nobody left to answer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path

import ray
from ray.exceptions import RayTaskError

from actors.cluster import RayCluster, on_cluster, start_ray
from configs.settings import RaySettings, Settings
from runtime.ports import is_listening
from serve_app.process.readiness import NotReady

log = logging.getLogger(__name__)
UP_WITHIN_SECONDS = 300.0
DOWN_WITHIN_SECONDS = 14.0  # in most places a SIGTERM is followed by a SIGKILL after 20 s or more
LOOK_EVERY_SECONDS = 0.1


def start(wanted: RaySettings, temporary: Path | None) -> RayCluster:
    """The cluster, joined or started with its session in `temporary`. Raises NotReady."""
    try:
        return start_ray(wanted, _session_folder(temporary))
    except Exception as error:  # Ray raises a bare one when its node does not come up
        raise NotReady(f"Ray did not start: {error} {_what_now(temporary)}") from error


def _session_folder(temporary: Path | None) -> Path | None:
    """Ray's own folder there: Ray opens it to all users, so it has to lie below a closed one."""
    return temporary / "ray" if temporary else None


def _what_now(temporary: Path | None) -> str:
    folder = _session_folder(temporary)
    logs = f"in {folder}/session_latest/logs until the next start" if folder else "on its head node"
    return (
        f"What was accepted before is kept. Ray's logs are {logs}; where the machine was only "
        "busy, starting again helps."
    )


def bring_up(settings: Settings, temporary: Path | None) -> None:
    """Returns when the actors are on their way and Serve runs the API. Raises NotReady, and at once
    what a signal raises."""
    what_now = _what_now(temporary)
    try:
        _asked(_come_up, settings, UP_WITHIN_SECONDS).result()
    except TimeoutError as error:
        raise NotReady(
            f"The API and its workers did not start within {UP_WITHIN_SECONDS:g} s. {what_now}"
        ) from error
    except RayTaskError as error:
        reason = _first_cause(error)
        raise NotReady(f"The API and its workers did not start: {reason} {what_now}") from error


def _first_cause(error: BaseException) -> BaseException:
    """What was raised where it happened; Ray wraps it anew in each process on its way here."""
    while isinstance(error, RayTaskError):
        error = error.cause
    return error


def take_down(settings: Settings) -> None:
    """Returns when what `bring_up` started has ended and we have left the cluster.

    A cluster that is gone (who stops a service may signal all of its processes at once) is left
    all the same: its tasks are taken up when their leases have ended.
    """
    gcs_port = int(ray.get_runtime_context().gcs_address.rpartition(":")[2])
    answer = _asked(_go_down, settings, DOWN_WITHIN_SECONDS)
    deadline = time.monotonic() + DOWN_WITHIN_SECONDS
    while not answer.done() and time.monotonic() < deadline and is_listening(gcs_port):
        wait([answer], LOOK_EVERY_SECONDS)
    problem = answer.exception() if answer.done() else "the cluster does not answer any more"
    if problem:
        log.warning("Not all work was handed back: %s. It waits for its leases to end.", problem)
    leave()


def leave() -> None:
    """Returns when we have left the cluster; one that was started here ends with that."""
    ray.shutdown()


def _asked(function: Callable[[str], None], settings: Settings, seconds: float) -> Future[None]:
    """What the function does on the cluster, in time. We wait in a thread: in Ray's own wait a
    signal is lost, and without its control store Ray waits for a minute and then aborts."""
    answer: Future[None] = Future()

    def ask() -> None:
        try:
            on_cluster(function, settings.without_secrets(), within_seconds=seconds)
        except BaseException as error:
            answer.set_exception(error)
        else:
            answer.set_result(None)

    threading.Thread(target=ask, daemon=True).start()
    return answer


def _come_up(settings: str) -> None:
    """Runs on the cluster, where the heavy imports stay."""
    from serve_app import deployment

    deployment.come_up(settings)


def _go_down(settings: str) -> None:
    """Runs on the cluster too."""
    from serve_app import deployment

    deployment.go_down(settings)
