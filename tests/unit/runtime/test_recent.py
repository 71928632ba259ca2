"""Results that are kept for some seconds."""

from __future__ import annotations

import asyncio

import pytest

from runtime.recent import Recent


class Counter:
    """An operation that returns the number of its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.fails = False

    async def __call__(self) -> int:
        self.runs += 1
        await asyncio.sleep(0)
        if self.fails:
            raise ValueError
        return self.runs


async def test_result_is_kept_and_shared() -> None:
    recent = Recent(Counter(), seconds=60)
    assert await asyncio.gather(*(recent.get() for _ in range(5))) == [1] * 5
    assert await recent.get() == 1


async def test_result_is_replaced_when_it_is_too_old() -> None:
    recent = Recent(Counter(), seconds=0)
    assert [await recent.get(), await recent.get()] == [1, 2]


async def test_errors_are_not_kept() -> None:
    operation = Counter()
    operation.fails = True
    recent = Recent(operation, seconds=60)
    with pytest.raises(ValueError):
        await recent.get()
    operation.fails = False
    assert await recent.get() == 2
