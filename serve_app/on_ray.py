"""The service's life on Ray: the cluster under it, what comes up there, what goes down.

Imports Ray, which reads its environment while it is imported: set that before. Every wait has an
end, also when the cluster has nobody left to answer.
"""

from __future__ import annotations

import logging
import threading
import time

import ray

from actors.cluster import RayCluster, on_cluster, start_ray
from configs.settings import RaySettings, Settings
from serve_app.readiness import NotReady
from stores.ports import somebody_listens

log = logging.getLogger(__name__)
UP_WITHIN_SECONDS = 300.0
DOWN_WITHIN_SECONDS = 14.0  # in most places a SIGTERM is followed by a SIGKILL after 20 s or more
LOOK_EVERY_SECONDS = 0.1
WHAT_NOW = (
    "What was accepted before is kept. Ray's logs are in /tmp/ray/session_latest/logs; where the "
    "machine was only busy, starting again helps."
)


def start(wanted: RaySettings) -> RayCluster:
    """The cluster, joined or started. Raises NotReady."""
    try:
        return start_ray(wanted)
    except Exception as error:  # Ray raises a bare one when its node does not come up
        raise NotReady(f"Ray did not start: {error} {WHAT_NOW}") from error


def bring_up(settings: Settings) -> None:
    """Returns when the actors are on their way and Serve runs the API. Raises NotReady."""
    try:
        on_cluster(_come_up, settings.model_dump_json(), within_seconds=UP_WITHIN_SECONDS)
    except TimeoutError as error:
        raise NotReady(
            f"The API and its workers did not start within {UP_WITHIN_SECONDS:g} s. {WHAT_NOW}"
        ) from error


def take_down(settings: Settings) -> None:
    """Returns when what `bring_up` started has ended and we have left the cluster.

    A cluster that is gone (who stops a service may signal all of its processes at once) is left
    all the same: its tasks are taken up when their leases have ended.
    """
    if not ray.is_initialized():
        return
    gcs_port = int(ray.get_runtime_context().gcs_address.rpartition(":")[2])
    asking = threading.Thread(target=_ask_to_go_down, args=(settings,), daemon=True)
    asking.start()  # in a thread: without its control store Ray waits for a minute, then aborts
    deadline = time.monotonic() + DOWN_WITHIN_SECONDS
    while asking.is_alive() and time.monotonic() < deadline and somebody_listens(gcs_port):
        asking.join(LOOK_EVERY_SECONDS)
    if asking.is_alive():
        log.warning("The cluster does not answer any more. Open work waits for its leases to end.")
    ray.shutdown()


def _ask_to_go_down(settings: Settings) -> None:
    try:
        on_cluster(_go_down, settings.model_dump_json(), within_seconds=DOWN_WITHIN_SECONDS)
    except Exception as error:
        log.warning("Not everything was handed back (%s); leases see to the rest.", error)


def _come_up(settings: str) -> None:
    """Runs on the cluster, where the heavy imports stay."""
    from serve_app import deployment

    deployment.come_up(settings)


def _go_down(settings: str) -> None:
    """Runs on the cluster too."""
    from serve_app import deployment

    deployment.go_down(settings)
