"""Embedding actors and the reranker: their share of the GPUs, and plans without space."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.embedder_plan import EmbedderPlan, check_plan, check_reranker, plan_embedders


@pytest.mark.parametrize(
    ("actors", "gpus", "share"), [(1, 0, 0), (1, 1, 1), (2, 1, 0.5), (1, 4, 1), (3, 2, 0.5)]
)
def test_plan_divides_gpus_among_actors(actors: int, gpus: float, share: float) -> None:
    plan = plan_embedders(actors, 0, None, on_gpu=True, nodes=[{"CPU": 4, "GPU": gpus}])
    assert plan == EmbedderPlan(actors, 0, share)


@given(st.integers(1, 40), st.lists(st.integers(0, 8), min_size=1, max_size=5))
def test_plan_of_divided_gpus_fits_cluster(actors: int, gpus: list[int]) -> None:
    nodes = [{"CPU": 4.0, "GPU": float(count)} for count in gpus]
    plan = plan_embedders(actors, 0, None, on_gpu=True, nodes=nodes)
    check_plan(plan, nodes, can_grow=False)
    assert (plan.num_gpus > 0) == any(gpus)


def test_plan_of_cpu_engine_uses_no_gpu() -> None:
    assert plan_embedders(1, 0, None, on_gpu=False, nodes=[{"GPU": 2}]).num_gpus == 0


def test_plan_keeps_configured_share() -> None:
    assert plan_embedders(2, 1, 0.25, on_gpu=False, nodes=[]) == EmbedderPlan(2, 1, 0.25)


@pytest.mark.parametrize(
    ("plan", "nodes", "message"),
    [
        (EmbedderPlan(1, 0, 1), [{"CPU": 2}], "need 1 GPU, the cluster has 0"),
        (EmbedderPlan(2, 0, 0.75), [{"GPU": 1}], "need 1.5 GPU, the cluster has 1"),
        (EmbedderPlan(2, 0, 0.6), [{"GPU": 1}], "need 1.2 GPU, the cluster has 1"),
        (EmbedderPlan(1, 0, 2), [{"GPU": 1}, {"GPU": 1}], "need 2 GPU, the cluster has 2"),
        (EmbedderPlan(3, 2, 0), [{"CPU": 4}, {"CPU": 1}], "need 6 CPU, the cluster has 5"),
        (EmbedderPlan(1, 1, 1), [{"CPU": 4}, {"GPU": 1}], "need 1 CPU and 1 GPU"),
    ],
    ids=str,
)
def test_plan_without_space_is_rejected(
    plan: EmbedderPlan, nodes: list[dict[str, float]], message: str
) -> None:
    with pytest.raises(RuntimeError, match=f"{message}.*PAPERWORKS_MODEL__NUM_GPUS"):
        check_plan(plan, nodes, can_grow=False)


def test_plan_without_space_warns_where_nodes_may_be_added(
    caplog: pytest.LogCaptureFixture,
) -> None:
    check_plan(EmbedderPlan(2, 0, 1), [{"GPU": 1}], can_grow=True)
    assert "need 2 GPU, the cluster has 1. They wait for more nodes." in caplog.text


def test_plan_of_three_actors_shares_one_gpu() -> None:
    check_plan(EmbedderPlan(3, 0, 1 / 3), [{"GPU": 1}], can_grow=False)


@given(st.integers(1, 40), st.lists(st.integers(0, 8), min_size=1, max_size=5))
def test_reranker_fits_beside_embedders_that_share_the_gpus(actors: int, gpus: list[int]) -> None:
    nodes = [{"CPU": 4.0, "GPU": float(count)} for count in gpus]
    embedders = plan_embedders(actors, 0, None, on_gpu=True, nodes=nodes, others=1)
    reranker = plan_embedders(1, 0, None, on_gpu=True, nodes=nodes, others=actors)
    assert reranker.num_gpus == embedders.num_gpus
    check_plan(embedders, nodes, can_grow=False)
    check_reranker(reranker, embedders, nodes, can_grow=False)


@pytest.mark.parametrize(
    ("reranker", "embedders", "nodes"),
    [
        (EmbedderPlan(1, 0, 0), EmbedderPlan(1, 0, 0), [{"CPU": 1}]),
        (EmbedderPlan(1, 0, 0.5), EmbedderPlan(2, 0, 0.25), [{"GPU": 1}]),
        (EmbedderPlan(1, 0, 0.4), EmbedderPlan(2, 0, 0.6), [{"GPU": 2}]),
        (EmbedderPlan(1, 0, 1), EmbedderPlan(1, 0, 1), [{"GPU": 1}, {"GPU": 1}]),
        (EmbedderPlan(1, 1, 1), EmbedderPlan(1, 3, 0), [{"CPU": 4, "GPU": 1}]),
    ],
    ids=str,
)
def test_reranker_with_space_is_accepted(
    reranker: EmbedderPlan, embedders: EmbedderPlan, nodes: list[dict[str, float]]
) -> None:
    check_reranker(reranker, embedders, nodes, can_grow=False)


@pytest.mark.parametrize(
    ("reranker", "embedders", "nodes", "message"),
    [
        (EmbedderPlan(1, 0, 1), EmbedderPlan(1, 0, 0), [{"CPU": 2}], "1 GPU, the cluster has 0"),
        (EmbedderPlan(1, 0, 1), EmbedderPlan(1, 0, 1), [{"GPU": 1}], "1 GPU, 1 of them for embed"),
        (EmbedderPlan(1, 0, 0.5), EmbedderPlan(2, 0, 0.6), [{"GPU": 2}], "1.2 of them for embed"),
        (EmbedderPlan(1, 2, 0), EmbedderPlan(1, 3, 0), [{"CPU": 4}], "needs 2 CPU"),
        (EmbedderPlan(1, 1, 1), EmbedderPlan(1, 0, 0), [{"CPU": 4}, {"GPU": 1}], "1 CPU and 1 GPU"),
    ],
    ids=str,
)
def test_reranker_without_space_is_rejected(
    reranker: EmbedderPlan, embedders: EmbedderPlan, nodes: list[dict[str, float]], message: str
) -> None:
    with pytest.raises(RuntimeError, match=f"{message}.*PAPERWORKS_SEARCH__RERANKER_NUM_GPUS"):
        check_reranker(reranker, embedders, nodes, can_grow=False)


def test_reranker_without_space_warns_where_nodes_may_be_added(
    caplog: pytest.LogCaptureFixture,
) -> None:
    embedders = EmbedderPlan(1, 0, 1)
    check_reranker(EmbedderPlan(1, 0, 1), embedders, [{"GPU": 1}], can_grow=True)
    assert "The reranker waits for more nodes." in caplog.text
