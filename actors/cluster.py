"""Connects to the Ray cluster of the service or starts a local one. Light to import."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from configs.settings import RaySettings
from domain.names import NAMESPACE
from runtime.dashboard_mode import DashboardMode
from runtime.patches.ray_node import local_node, sigterm_handler_kept
from runtime.ports import port_or_free

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RayCluster:
    """The connected cluster: GCS address and dashboard URL ("" if it has no dashboard)."""

    address: str
    dashboard_url: str


def start_ray(settings: RaySettings, session_folder: Path | None = None) -> RayCluster:
    """Joins the configured cluster, or starts a local one that ends with this process.

    `session_folder`: Ray's sockets, logs and the objects spilled from its object store. Python's
    signal handlers of this process stay.
    """
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING}
    if settings.address:
        with sigterm_handler_kept():
            context = ray.init(address=settings.address, namespace=NAMESPACE, **quiet)
    else:
        with local_node(settings.dashboard), sigterm_handler_kept():
            context = ray.init(
                address="local",
                namespace=NAMESPACE,
                num_cpus=settings.num_cpus,
                num_gpus=settings.num_gpus,
                object_store_memory=settings.object_store_bytes,
                include_dashboard=settings.dashboard is not DashboardMode.OFF,
                dashboard_host="127.0.0.1",
                dashboard_port=port_or_free(settings.dashboard_port),
                _temp_dir=str(session_folder) if session_folder else None,
                **quiet,
            )
    dashboard = f"http://{context.dashboard_url}" if context.dashboard_url else ""
    return RayCluster(ray.get_runtime_context().gcs_address, dashboard)


def on_cluster(
    function: Callable[..., Any],
    *arguments: Any,
    within_seconds: float,
    given_up: threading.Event | None = None,
    cancels: bool = False,
) -> Any:
    """Runs the function as a Ray task in a fresh worker process and returns its result.

    The worker exits afterwards, so that imports of the function use no memory in the caller.
    Re-raises exceptions of the function. Raises TimeoutError after `within_seconds`, also if the
    cluster has no node left to run it, and CancelledError soon after `given_up` is set. With
    `cancels`, the worker is killed in both cases.
    """
    remote: Any = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(function)
    result = remote.options(name=function.__name__).remote(*arguments)
    name = function.__name__
    try:
        return result_of(result, name, within_seconds=within_seconds, given_up=given_up)
    except (CancelledError, TimeoutError):
        if cancels:
            ray.cancel(result, force=True)
        raise


def result_of(
    reference: Any,
    name: str,
    *,
    within_seconds: float,
    given_up: threading.Event | None = None,
) -> Any:
    """Returns the result of a call; `name` is for the message. Raises as `on_cluster`."""
    deadline = time.monotonic() + within_seconds
    while not ray.wait([reference], timeout=POLL_SECONDS)[0]:
        if given_up is not None and given_up.is_set():
            raise CancelledError
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} took longer than {within_seconds:g} s")
    return ray.get(reference)
