"""Datasets that are run with the patches of Ray Data, in a worker process of the test cluster."""

from __future__ import annotations

from typing import Any

import ray
import ray.data
from ray.data._internal.stats import get_or_create_stats_actor

from runtime.patches.ray_data import name_dataset, show_row_rates


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


def _pass_on(row: dict[str, Any]) -> dict[str, Any]:
    return row
