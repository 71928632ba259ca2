"""Queries reach the embedding actor over its socket, and by calls of Ray where that fails."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray.exceptions import RayActorError

from configs.settings import Settings
from domain.errors import ServiceNotReady
from domain.jobs import Lane
from tests.cluster.query_actor import BY_RAY, BY_SOCKET, FAILS, SLOW, QueryActor


@pytest.fixture
def actors(cluster: Any) -> Iterator[Any]:
    """Starts actors: `actors(has_socket=True)`; they end with the test."""
    started = list[Any]()

    def start(**arguments: Any) -> Any:
        groups = {str(lane): 4 for lane in Lane}
        options = cluster.remote(num_cpus=0, max_restarts=-1, concurrency_groups=groups)
        started.append(options(QueryActor).remote(**arguments))
        return started[-1]

    yield start
    for actor in started:
        cluster.kill(actor)


async def until_restarted(cluster: Any, actor: Any) -> None:
    """Returns when the actor answers; Ray may still fail calls for its killed process."""
    async with asyncio.timeout(60):
        while True:
            with suppress(RayActorError):
                return await asyncio.to_thread(cluster.get, actor.pid.remote(), timeout=60)
            await asyncio.sleep(0.1)


async def test_query_is_sent_over_the_socket(actors: Any) -> None:
    from actors.query_encoder import QueryEncoder

    encoder = QueryEncoder(actors())
    for _ in range(2):
        assert np.array_equal(await encoder.encode("wing"), BY_SOCKET)


async def test_actor_that_is_restarted_answers_by_ray_and_then_over_its_new_socket(
    cluster: Any, actors: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from actors import query_encoder

    actor = actors()
    encoder = query_encoder.QueryEncoder(actor)
    await encoder.encode("wing")
    monkeypatch.setattr(query_encoder, "RAY_SECONDS", 0.0)
    os.kill(cluster.get(actor.pid.remote()), signal.SIGKILL)
    with suppress(ServiceNotReady):
        while not np.array_equal(await encoder.encode("wing"), BY_RAY):
            pass  # the socket may answer for some milliseconds
    await until_restarted(cluster, actor)
    assert np.array_equal(await encoder.encode("wing"), BY_SOCKET)


@pytest.mark.parametrize("text", ["wing", FAILS])
async def test_query_is_a_call_of_ray_if_the_socket_does_not_answer(actors: Any, text: str) -> None:
    from actors.query_encoder import QueryEncoder

    encoder = QueryEncoder(actors(has_socket=text == FAILS))
    for query in (text, "wing"):
        assert np.array_equal(await encoder.encode(query), BY_RAY)


async def test_late_answer_is_not_ready(actors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from actors import query_encoder

    encoder = query_encoder.QueryEncoder(actors())
    await encoder.encode("wing")
    monkeypatch.setattr(query_encoder, "SECONDS", 0.3)
    with pytest.raises(ServiceNotReady):
        await encoder.encode(SLOW)
    assert np.array_equal(await encoder.encode("wing"), BY_SOCKET)


async def test_query_that_was_asked_before_needs_no_actor(cluster: Any, actors: Any) -> None:
    from actors.query_encoder import QueryEncoders

    actor = actors()
    encoders = QueryEncoders([actor])
    await encoders.vector("wing")
    cluster.kill(actor)
    assert np.array_equal(await encoders.vector("wing"), BY_SOCKET)
    with pytest.raises(ServiceNotReady):
        while True:
            await encoders.encode("wing")  # the socket may answer for some milliseconds
    with pytest.raises(ServiceNotReady):
        await encoders.vector("flow")


async def test_failure_is_not_kept(actors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from actors import query_encoder

    encoders = query_encoder.QueryEncoders([actors()])
    with monkeypatch.context() as patch, pytest.raises(ServiceNotReady):
        patch.setattr(query_encoder, "SECONDS", 0.0)
        await encoders.vector("wing")
    assert np.array_equal(await encoders.vector("wing"), BY_SOCKET)


async def test_actors_embed_in_turns(actors: Any) -> None:
    from actors.query_encoder import QueryEncoders

    encoders = QueryEncoders([actors(), actors(has_socket=False)])
    vectors = [await encoders.vector(text) for text in ("wing", "flow", "wake")]
    assert np.array_equal(vectors, [BY_SOCKET, BY_RAY, BY_SOCKET])


@pytest.fixture
def embedder(cluster: Any, tmp_path: Path) -> Iterator[Any]:
    """An embedding actor with the default model; it ends with the test."""
    from actors.launch import start_embedders

    model: Any = {"engine": "torch-fp32", "threads": 1}
    [actor] = start_embedders(Settings(home=tmp_path, model=model))
    yield actor
    cluster.kill(actor)


@pytest.mark.models
async def test_embedder_answers_alike_on_both_ways(cluster: Any, embedder: Any) -> None:
    from actors.query_encoder import QueryEncoder

    by_ray = cluster.get(embedder.encode_query.remote("wing β"), timeout=120)
    encoder = QueryEncoder(embedder)
    assert np.allclose(await encoder.encode("wing β"), by_ray, atol=1e-6)
    assert cluster.get(embedder.query_address.remote()).startswith("\0paperworks")
