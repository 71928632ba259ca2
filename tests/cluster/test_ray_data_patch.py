"""Names and row rates of Datasets, as the statistics actor of Ray Data keeps them."""

from __future__ import annotations

from typing import Any

from runtime.patches.ray_data import DATASETS_SHOWN, describe_rows, name_dataset, show_row_rates


def run_datasets(numbers: list[int]) -> dict[str, Any]:
    """Runs a Dataset of n + 1 rows for each number n; returns what the dashboard shows, by name.

    Runs in a process of its own, because the patches stay.
    """
    import ray.data
    from ray.data._internal.stats import get_or_create_stats_actor

    show_row_rates()
    show_row_rates()  # a second call changes nothing
    for number in numbers:
        dataset = ray.data.range(number + 1).map(dict)
        name_dataset(dataset, "patched", number)
        assert dataset.take_all()
    actor: Any = get_or_create_stats_actor()
    return ray.get(actor.get_datasets.remote())


def test_ray_data_operators_state_rows_and_names_repeat(cluster: Any) -> None:
    remote = cluster.remote(num_cpus=0, max_calls=1)(run_datasets)
    shown = cluster.get(remote.remote([0, 1, DATASETS_SHOWN]))
    named = {name for name in shown if name.startswith("patched")}
    assert named == {"patched_00_0", "patched_01_0"}
    latest = [operator["name"] for operator in shown["patched_00_0"]["operators"].values()]
    assert any(f": {DATASETS_SHOWN + 1} rows, " in name for name in latest), latest
    assert all(name.count(" rows, ") == 1 for name in latest)


def test_row_rate_is_finite_at_the_start() -> None:
    assert describe_rows(8, 4.0) == ": 8 rows, 2.0/s"
    assert describe_rows(0, 0.0) == ": 0 rows, 0.0/s"
