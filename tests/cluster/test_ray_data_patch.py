"""Names and row rates of Datasets, as the statistics actor of Ray Data keeps them; waits."""

from __future__ import annotations

from typing import Any

from runtime.patches.ray_data import (
    DATASETS_SHOWN,
    FIRST_TASK_SECONDS,
    MORE_TASKS_SECONDS,
    describe_rows,
)
from tests.cluster.named_datasets import run_datasets, run_with_short_waits


def test_ray_data_operators_state_rows_and_names_repeat(cluster: Any) -> None:
    remote = cluster.remote(num_cpus=0, max_calls=1)(run_datasets)
    shown = cluster.get(remote.remote([0, 1, DATASETS_SHOWN]))
    named = {name for name in shown if name.startswith("patched")}
    assert named == {"patched_00_0", "patched_01_0"}
    latest = [operator["name"] for operator in shown["patched_00_0"]["operators"].values()]
    assert any(f": {DATASETS_SHOWN + 1} rows, " in name for name in latest), latest
    assert all(name.count(" rows, ") == 1 for name in latest)


def test_loop_waits_for_the_first_task_that_ends(cluster: Any) -> None:
    remote = cluster.remote(num_cpus=0, max_calls=1)(run_with_short_waits)
    waits = cluster.get(remote.remote())  # Ray Data waits for metadata, too
    assert {(MORE_TASKS_SECONDS, 1), (FIRST_TASK_SECONDS, 1)} <= set(waits)


def test_row_rate_is_finite_at_the_start() -> None:
    assert describe_rows(8, 4.0) == ": 8 rows, 2.0/s"
    assert describe_rows(0, 0.0) == ": 0 rows, 0.0/s"
