"""Ray Data without its autoscaling and statistics actors. Patches ray 2.60.0 (pinned).

Private names:
    `ray.data._internal.execution.streaming_executor.create_cluster_autoscaler` and four static
    methods of `ray.data._internal.stats._StatsManager`; `ClusterAutoscaler` is subclassed.

Reason: a resident service pays for both actors and uses neither; Ray has no switch for them. The
actor that requests more nodes uses 120 MB, and a single machine cannot grow. The actor that keeps
metrics of every Dataset for the dashboard uses 115 MB at first and 0.6 MB more for each Dataset,
which it never frees (ray#43924).

Check on upgrade: the names above, the abstract methods of `ClusterAutoscaler`, and other callers of
the two actors; the end-to-end tests run Datasets with both patches.
"""

from __future__ import annotations

import uuid

import ray
from ray.data import ExecutionResources
from ray.data._internal import stats
from ray.data._internal.cluster_autoscaler import ClusterAutoscaler
from ray.data._internal.execution import streaming_executor


class FixedCluster(ClusterAutoscaler):
    """A cluster of fixed size: requests no nodes, may use all resources."""

    def __init__(self) -> None:
        self.total = ExecutionResources.from_resource_dict(dict(ray.cluster_resources()))

    def try_trigger_scaling(self) -> None:
        """Does nothing."""

    def on_executor_shutdown(self) -> None:
        """Does nothing."""

    def get_total_resources(self) -> ExecutionResources:
        """Returns CPUs, GPUs and memory of the cluster at the start of the Dataset."""
        return self.total


def disable_autoscaling() -> None:
    """Datasets of this process request no additional nodes."""
    setattr(streaming_executor, "create_cluster_autoscaler", lambda *_, **__: FixedCluster())  # noqa: B010


def disable_statistics() -> None:
    """Datasets of this process do not appear on the dashboard; their tasks and actors still do."""
    manager = stats._StatsManager
    for name in (
        "register_dataset_to_stats_actor",
        "update_execution_metrics",
        "update_iteration_metrics",
    ):
        setattr(manager, name, staticmethod(lambda *_, **__: None))
    manager.gen_dataset_id_from_stats_actor = staticmethod(lambda: uuid.uuid4().hex)
