"""SingleFlight: concurrent callers share one execution that starts after their call."""

from __future__ import annotations

import asyncio

import pytest

from runtime.single_flight import SingleFlight


async def test_single_flight_runs_once_for_concurrent_callers_of_a_key() -> None:
    flight, executed = SingleFlight[str](), []

    async def operation(key: str) -> str:
        executed.append(key)
        await asyncio.sleep(0)
        return key

    calls = [flight.run(key, lambda key=key: operation(key)) for key in ("a", "b") * 50]
    assert await asyncio.gather(*calls) == ["a", "b"] * 50
    assert executed == ["a", "b"]


async def test_single_flight_never_joins_an_execution_that_has_started() -> None:
    """Otherwise a caller could get data that is older than its call."""
    flight, value = SingleFlight[int](), 1
    has_read, may_return = asyncio.Event(), asyncio.Event()

    async def operation() -> int:
        read = value
        has_read.set()
        await may_return.wait()
        return read

    first = asyncio.create_task(flight.run("key", operation))
    await has_read.wait()
    value = 2
    second = asyncio.create_task(flight.run("key", operation))
    may_return.set()
    assert (await first, await second) == (1, 2)


async def test_single_flight_passes_errors_on_and_survives_a_cancelled_caller() -> None:
    flight, may_fail = SingleFlight[None](), asyncio.Event()

    async def operation() -> None:
        await may_fail.wait()
        raise ValueError("failed")

    cancelled, other = (asyncio.create_task(flight.run("key", operation)) for _ in range(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    may_fail.set()
    with pytest.raises(ValueError, match="failed"):
        await other
    assert cancelled.cancelled()


async def test_single_flight_joins_a_running_execution_if_asked_to() -> None:
    flight, executions = SingleFlight[int](joins_running=True), 0
    has_started, may_end = asyncio.Event(), asyncio.Event()

    async def count() -> int:
        nonlocal executions
        executions += 1
        has_started.set()
        await may_end.wait()
        return executions

    first = asyncio.create_task(flight.run("key", count))
    await has_started.wait()
    second = asyncio.create_task(flight.run("key", count))
    await asyncio.sleep(0)
    may_end.set()
    assert (await first, await second) == (1, 1)
    assert await flight.run("key", count) == 2
