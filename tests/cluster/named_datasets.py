"""Datasets that are run with the patches of Ray Data, in a worker process of the test cluster."""

from __future__ import annotations

from typing import Any

import ray
import ray.data
from ray.data._internal.execution import streaming_executor_state
from ray.data._internal.stats import get_or_create_stats_actor

from runtime.patches.ray_data import (
    FIRST_TASK_SECONDS,
    name_dataset,
    shorten_waits,
    show_row_rates,
)


def run_datasets(numbers: list[int]) -> dict[str, Any]:
    """Runs a Dataset of n + 1 rows for each number n; returns what the dashboard shows, by name.

    Runs in a process of its own, because the patches stay.
    """
    show_row_rates()
    show_row_rates()  # a second call changes nothing
    for number in numbers:
        dataset = ray.data.range(number + 1).map(_pass_on)
        name_dataset(dataset, "patched", number)
        assert dataset.take_all()
    actor: Any = get_or_create_stats_actor()
    return ray.get(actor.get_datasets.remote())


def run_with_short_waits() -> list[tuple[float, int]]:
    """Runs a Dataset with one task at a time; returns the timeouts in seconds of the waits for its
    tasks, each with the number of tasks that end one, without repetition."""
    waits = set[tuple[float, int]]()
    wait = ray.wait

    def recorded(tasks: Any, **options: Any) -> Any:
        if options["timeout"]:
            waits.add((options["timeout"], options.get("num_returns", 1)))
        return wait(tasks, **options)

    assert streaming_executor_state.WAIT_FOR_TASK_COMPLETION_TIMEOUT_S == FIRST_TASK_SECONDS
    shorten_waits()
    shorten_waits()  # a second call changes nothing
    ray.wait = recorded
    rows = ray.data.range(4, override_num_blocks=4).map(_pass_on, concurrency=1).take_all()
    ray.wait = wait
    assert len(rows) == 4
    return sorted(waits)


def _pass_on(row: dict[str, Any]) -> dict[str, Any]:
    return row
