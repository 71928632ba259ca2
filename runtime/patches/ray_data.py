"""Names, row rates, helper actors and scheduling of Ray Data. Patches ray 2.60.0 (pinned).

Private names:
    In `ray.data._internal`: `execution.streaming_executor.create_cluster_autoscaler`,
    `execution.streaming_executor.process_completed_tasks`,
    `execution.streaming_executor_state.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S`, three static methods of
    `stats._StatsManager`; `Dataset._set_uuid`; `ClusterAutoscaler` is subclassed.

Reasons:
    * A resident service pays for two actors of Ray Data; Ray has no switch for them. The one that
      requests more nodes uses 120 MB, and a single machine cannot grow. The one that keeps the
      metrics of every Dataset for the dashboard uses 115 MB; the lean dashboard has no use for it.
    * That actor keeps 0.4 MB for each name of a Dataset forever (ray#43924), and Ray gives each
      Dataset a new name. Here the names of a lane are used again in turn, which bounds its memory
      and makes them readable.
    * The dashboard reads the number of rows from Prometheus only. Here the names of operators state
      the rows and their rate.
    * After a task ends, its CPU is idle until a loop notices it and starts the next one. The loop
      waits 0.1 s for all running tasks before it looks at those that ended (ray#45934).

Check on upgrade: the names above, the abstract methods of `ClusterAutoscaler`, the content of
`StreamingExecutor._get_state_dict`, and other callers of the two actors;
tests/cluster/test_ray_data_patch.py and the end-to-end tests run Datasets with the patches.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import ray
from ray.data import Dataset, ExecutionResources
from ray.data._internal import stats
from ray.data._internal.cluster_autoscaler import ClusterAutoscaler
from ray.data._internal.execution import streaming_executor, streaming_executor_state

DATASETS_SHOWN = 25  # of each lane; 0.4 MB each
UPDATES = (
    "register_dataset_to_stats_actor",
    "update_execution_metrics",
    "update_iteration_metrics",
)
FIRST_TASK_SECONDS = 0.1  # that a loop waits for the first task that ends; as in Ray
MORE_TASKS_SECONDS = 0.003  # that it then waits for more tasks that end (record 17)
TIMER_SECONDS = 1e-3  # shortest duration that a rate is computed for


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
    for name in UPDATES:
        _replace(**{name: lambda *_, **__: None})


@cache
def shorten_waits() -> None:
    """Datasets of this process start a task MORE_TASKS_SECONDS after another has ended, at most."""
    process = streaming_executor_state.process_completed_tasks

    def process_after_first(topology: Any, *arguments: Any, **options: Any) -> int:
        running = [task.get_waitable() for op in topology for task in op.get_active_tasks()]
        if running:
            ray.wait(running, timeout=FIRST_TASK_SECONDS, fetch_local=False)
        return process(topology, *arguments, **options)

    setattr(streaming_executor, "process_completed_tasks", process_after_first)  # noqa: B010
    streaming_executor_state.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S = MORE_TASKS_SECONDS


def name_dataset(dataset: Dataset, name: str, number: int) -> None:
    """Names the Dataset after its lane on the dashboard and in the logs: `bulk_07_0`.

    `number`: how many Datasets of that name came before; every DATASETS_SHOWN the names repeat.
    """
    dataset.set_name(name)
    dataset._set_uuid(f"{number % DATASETS_SHOWN:02}")


@cache
def show_row_rates() -> None:
    """The operators of Datasets of this process state their rows: `Map(ocr): 16 rows, 2.1/s`."""
    manager = stats._StatsManager
    register, update = manager.register_dataset_to_stats_actor, manager.update_execution_metrics
    started: dict[str, float] = {}

    def register_with_start(name: str, *arguments: Any) -> None:
        started[name] = time.monotonic()
        register(name, *arguments)

    def update_with_rates(name: str, metrics: list[Any], tags: list[str], state: Any) -> None:
        seconds = time.monotonic() - started[name]
        for operator, numbers in zip(state["operators"].values(), metrics, strict=True):
            operator["name"] += describe_rows(numbers.row_outputs_taken, seconds)
        update(name, metrics, tags, state)

    _replace(register_dataset_to_stats_actor=register_with_start)
    _replace(update_execution_metrics=update_with_rates)


def describe_rows(rows: int, seconds: float) -> str:
    """Returns the rows of an operator and its rate since the start of the Dataset."""
    return f": {rows} rows, {rows / max(seconds, TIMER_SECONDS):.1f}/s"


def _replace(**methods: Callable[..., None]) -> None:
    """Replaces static methods of the class through which Datasets report to the dashboard."""
    for name, method in methods.items():
        setattr(stats._StatsManager, name, staticmethod(method))
