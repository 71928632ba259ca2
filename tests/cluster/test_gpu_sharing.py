"""Embedding actors on a cluster with one logical GPU: fractions, and plans without space."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from domain.names import EMBEDDER, NAMESPACE


def settings(home: Path, **model: Any) -> Settings:
    """Settings of a service whose model runs on torch: no conversion, and no GPU is required."""
    return Settings(home=home, model={"engine": "torch-fp32", "threads": 1, **model})  # pyright: ignore[reportArgumentType]


@pytest.fixture
def ended_embedders(cluster: Any) -> Iterator[None]:
    yield
    for number in range(2):
        cluster.kill(cluster.get_actor(f"{EMBEDDER}_{number}", namespace=NAMESPACE))


@pytest.mark.models
def test_two_embedding_actors_share_the_gpu(
    cluster: Any, ended_embedders: None, tmp_path: Path
) -> None:
    from actors.launch import start_embedders

    actors = start_embedders(settings(tmp_path, actors=2))
    assert cluster.get([actor.dimension.remote() for actor in actors], timeout=120) == [384, 384]
    assert len(set(cluster.get([actor.pid.remote() for actor in actors]))) == 2
    assert cluster.available_resources().get("GPU", 0) == 0
    assert cluster.get(actors[0].engine.remote()) == "torch fp32 on the CPU"
    vectors = cluster.get([actor.encode_query.remote("wing") for actor in actors])
    assert abs(vectors[0] @ vectors[1] - 1) < 1e-5


def test_launch_rejects_embedding_actors_without_space(cluster: Any, tmp_path: Path) -> None:
    from actors.launch import launch

    with pytest.raises(RuntimeError, match=r"need 2 GPU, the cluster has 1\. Set PAPERWORKS_MODEL"):
        launch(settings(tmp_path, actors=2, num_gpus=1))
