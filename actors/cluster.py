"""The Ray cluster under the service: joined, or started here. Light to import."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from configs.settings import RaySettings
from domain.names import NAMESPACE
from runtime.patches.ray_node import lean_node
from runtime.ports import port_or_free


@dataclass(frozen=True, slots=True)
class RayCluster:
    """A cluster that we are connected to: GCS address and dashboard ("" if there is none)."""

    address: str
    dashboard_url: str


def start_ray(wanted: RaySettings, session_folder: Path | None = None) -> RayCluster:
    """The configured cluster, joined, or one started here that ends with this process.

    `session_folder`: where Ray keeps sockets, logs and what its object store cannot hold.
    """
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING}
    if wanted.address:
        context = ray.init(address=wanted.address, namespace=NAMESPACE, **quiet)
    else:
        with lean_node(data_statistics=wanted.data_statistics):
            context = ray.init(
                address="local",
                namespace=NAMESPACE,
                num_cpus=wanted.num_cpus,
                num_gpus=wanted.num_gpus,
                object_store_memory=wanted.object_store_bytes,
                include_dashboard=wanted.dashboard,
                dashboard_host="127.0.0.1",
                dashboard_port=port_or_free(wanted.dashboard_port),
                _temp_dir=str(session_folder) if session_folder else None,
                **quiet,
            )
    dashboard = f"http://{context.dashboard_url}" if context.dashboard_url else ""
    return RayCluster(ray.get_runtime_context().gcs_address, dashboard)


def on_cluster(function: Callable[..., Any], *arguments: Any, within_seconds: float) -> Any:
    """What the function returns; it runs in a process of its own that ends with it.

    What it imports does not stay in the memory of whoever calls. Its exceptions are raised here.
    Raises TimeoutError when it takes longer, or when the cluster has nobody left to run it.
    """
    remote: Any = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(function)
    answer = remote.options(name=function.__name__).remote(*arguments)
    return ray.get(answer, timeout=within_seconds)
