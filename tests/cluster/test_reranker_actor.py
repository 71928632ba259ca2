"""The reranking actor: its share of the GPU, its replacement, calls while it hangs or restarts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from domain.errors import ServiceNotReady
from domain.names import NAMESPACE, RERANKER
from tests.small_reranker import small_reranker

PASSAGES = ["laser light", "trap 1", "the gene of a cell"]
RESTART_SECONDS = 90.0

pytestmark = pytest.mark.models


def settings(home: Path, reranker: str = "", **search: Any) -> Settings:
    given = {"reranker": reranker, "reranker_threads": 1, **search}
    return Settings(home=home, search=given)  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_reranker(tmp_path_factory.mktemp("reranker"))


@pytest.fixture(scope="module")
def home(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of the service; without a reranker in its settings the actor ends."""
    from actors.launch import start_reranker

    home = tmp_path_factory.mktemp("home")
    yield home
    assert start_reranker(settings(home)) is None
    with pytest.raises(ValueError):
        cluster.get_actor(RERANKER, namespace=NAMESPACE)


@pytest.fixture
def reranker(cluster: Any, home: Path, model: Path) -> Any:
    """The running actor; started again if another test has replaced it."""
    from actors.launch import start_reranker

    started: Any = start_reranker(settings(home, str(model)))
    cluster.get(started.pid.remote(), timeout=RESTART_SECONDS)
    return started


def test_reranker_shares_the_gpu_with_the_embedding_actor(
    cluster: Any, reranker: Any, tmp_path: Path, model: Path
) -> None:
    from actors.launch import embedder_plan, start_reranker

    scores = cluster.get(reranker.scores.remote("ion", PASSAGES), timeout=RESTART_SECONDS)
    assert len(set(scores)) == len(PASSAGES)
    assert embedder_plan(settings(tmp_path, str(model))).num_gpus == 0.5
    assert cluster.available_resources()["GPU"] == 0.5
    again: Any = start_reranker(settings(tmp_path, str(model)))
    assert cluster.get(again.pid.remote()) == cluster.get(reranker.pid.remote())


def test_launch_rejects_reranker_without_space(cluster: Any, tmp_path: Path, model: Path) -> None:
    from actors.launch import launch

    with pytest.raises(RuntimeError, match=r"The reranker needs 2 GPU, the cluster has 1 GPU"):
        launch(settings(tmp_path, str(model), reranker_num_gpus=2))


def test_launch_rejects_model_that_is_no_reranker(cluster: Any, tmp_path: Path) -> None:
    from actors.launch import launch

    with pytest.raises(ValueError, match="it has no config"):
        launch(settings(tmp_path, str(tmp_path)))


async def test_search_does_not_wait_for_a_reranker_that_hangs(cluster: Any, reranker: Any) -> None:
    from actors.reranker_handle import MAX_CALLS, RerankerHandle

    handle, pid = RerankerHandle(seconds=0.5), await reranker.pid.remote()
    expected = await RerankerHandle(RESTART_SECONDS).scores("ion", PASSAGES)
    os.kill(pid, signal.SIGSTOP)
    try:
        calls = [handle.scores(f"ion {n}", PASSAGES) for n in range(MAX_CALLS)]
        late = await asyncio.gather(*calls, return_exceptions=True)
        assert {str(error) for error in late} == {"The reranker did not answer within 0.5 s."}
        with pytest.raises(ServiceNotReady, match="busy with other searches"):
            await handle.scores("ion", PASSAGES)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert await answered(handle) == expected


async def test_killed_reranker_starts_again(cluster: Any, reranker: Any) -> None:
    from actors.reranker_handle import RerankerHandle

    handle = RerankerHandle(RESTART_SECONDS)
    before, pid = await handle.scores("ion", PASSAGES), await reranker.pid.remote()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ServiceNotReady, match="loading its model"):
        while True:
            await handle.scores("ion", PASSAGES)
    with pytest.raises(ServiceNotReady, match="loading its model"):
        await handle.check()
    assert await answered(handle) == before
    await handle.check()
    assert await reranker.pid.remote() != pid


async def answered(handle: Any) -> list[float]:
    """Returns the scores once the reranker answers."""
    deadline = asyncio.get_running_loop().time() + RESTART_SECONDS
    while True:
        try:
            return await handle.scores("ion", PASSAGES)
        except ServiceNotReady:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.1)


def test_reranker_with_other_options_is_replaced(
    cluster: Any, reranker: Any, tmp_path: Path, model: Path
) -> None:
    from actors.launch import start_reranker

    before = cluster.get(reranker.pid.remote())
    other: Any = start_reranker(settings(tmp_path, str(model), reranker_threads=2))
    assert cluster.get(other.pid.remote(), timeout=RESTART_SECONDS) != before
    assert cluster.get(other.options_given.remote()) == (str(model), 2, "auto")
