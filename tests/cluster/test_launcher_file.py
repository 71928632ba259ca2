"""`cluster.yaml` is one that the Ray cluster launcher takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def prepared() -> dict[str, Any]:
    """The file as the launcher completes it."""
    from ray.autoscaler._private.util import prepare_config

    return prepare_config(yaml.safe_load((ROOT / "cluster.yaml").read_text()))


def test_the_launcher_accepts_it(prepared: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import validate_config

    validate_config(prepared)


def test_there_are_workers_for_cpus_and_for_gpus_with_limits(prepared: dict[str, Any]) -> None:
    kinds = dict(prepared["available_node_types"])
    head = kinds.pop(prepared["head_node_type"])
    assert head["resources"]["CPU"] == 0
    assert any(kind["resources"].get("GPU") for kind in kinds.values())
    assert any(not kind["resources"].get("GPU") for kind in kinds.values())
    for kind in kinds.values():
        assert kind["resources"]["CPU"] > 0 and kind["resources"]["memory"] > 0
        assert 0 <= kind["min_workers"] <= kind["max_workers"]
    assert prepared["max_workers"] >= sum(kind["max_workers"] for kind in kinds.values())


def test_nothing_of_this_machine_travels(prepared: dict[str, Any]) -> None:
    assert {".venv", "var", ".git"} <= set(prepared["rsync_exclude"])
    assert prepared["file_mounts"]
