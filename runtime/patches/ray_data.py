"""Ray Data without two of its helpers that a resident service pays for and does not use.

Ray 2.60 starts an actor that asks the cluster to grow (120 MB), which one machine cannot, and one
that keeps metrics of every Dataset for the dashboard: 115 MB at first, 0.6 MB more for each
Dataset, never given back (ray#43924). There is no switch for either; the names patched here are
internal, the Ray version is pinned, and a test runs a Dataset with both patches.
"""

from __future__ import annotations

import uuid

import ray
from ray.data import ExecutionResources
from ray.data._internal import stats
from ray.data._internal.cluster_autoscaler import ClusterAutoscaler
from ray.data._internal.execution import streaming_executor


class FixedCluster(ClusterAutoscaler):
    """The cluster as it is: nothing to ask for, all of it to use."""

    def __init__(self) -> None:
        self.total = ExecutionResources.from_resource_dict(dict(ray.cluster_resources()))

    def try_trigger_scaling(self) -> None:
        """Nothing happens."""

    def on_executor_shutdown(self) -> None:
        """Nothing happens."""

    def get_total_resources(self) -> ExecutionResources:
        """CPUs, GPUs and memory of the cluster when the Dataset began."""
        return self.total


def never_scale() -> None:
    """Datasets of this process take the cluster as it is."""
    setattr(streaming_executor, "create_cluster_autoscaler", lambda *_, **__: FixedCluster())  # noqa: B010


def keep_no_statistics() -> None:
    """Datasets of this process do not appear on the dashboard; their tasks and actors still do."""
    manager = stats._StatsManager
    for name in (
        "register_dataset_to_stats_actor",
        "update_execution_metrics",
        "update_iteration_metrics",
    ):
        setattr(manager, name, staticmethod(lambda *_, **__: None))
    manager.gen_dataset_id_from_stats_actor = staticmethod(lambda: uuid.uuid4().hex)
