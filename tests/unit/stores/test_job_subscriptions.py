"""JobSubscriptions: wake-ups by job, rate limit, and poll intervals. No database."""

from __future__ import annotations

import asyncio

import pytest

from stores.postgres import notifications as module
from stores.postgres.notifications import JobSubscriptions

HOUR = 3600.0


async def test_subscriptions_remember_a_wakeup_between_two_waits() -> None:
    """A change during the query of the subscriber is not lost."""
    subscriptions = JobSubscriptions()
    async with subscriptions.subscribe("job_a") as wakeups, asyncio.timeout(10):
        subscriptions.notify("job_a")
        await wakeups.wait(HOUR)
        await wakeups.wait(HOUR, at_most=0.01)  # the wake-up was consumed


async def test_subscriptions_wake_only_the_notified_job() -> None:
    subscriptions = JobSubscriptions()
    async with subscriptions.subscribe("job_a") as first, subscriptions.subscribe("job_b") as other:
        waits = [asyncio.create_task(wakeups.wait(HOUR)) for wakeups in (first, other)]
        await asyncio.sleep(0)
        subscriptions.notify("job_a")
        subscriptions.notify("job_unknown")
        await asyncio.wait_for(waits[0], 10)
        assert not waits[1].done()
        waits[1].cancel()


async def test_subscriptions_limit_the_rate_of_wakeups(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first notification wakes at once; further ones share the wake-up after the interval."""
    monkeypatch.setattr(module, "WAKEUP_INTERVAL_SECONDS", 0.3)
    subscriptions, woken = JobSubscriptions(), 0
    loop = asyncio.get_running_loop()
    async with subscriptions.subscribe("job_a") as wakeups, asyncio.timeout(10):
        began = loop.time()
        for _ in range(3):
            subscriptions.notify("job_a")
        await wakeups.wait(HOUR)
        for _ in range(100):
            subscriptions.notify("job_a")
        await wakeups.wait(HOUR)
        assert loop.time() - began >= 0.29
        await wakeups.wait(HOUR, at_most=0.5)
        woken = loop.time() - began
    assert woken >= 0.79  # no third wake-up


async def test_subscriptions_poll_slowly_only_while_connected() -> None:
    subscriptions = JobSubscriptions(safety_poll_seconds=HOUR)
    async with subscriptions.subscribe("job_a") as wakeups, asyncio.timeout(10):
        await wakeups.wait(0.01)
        subscriptions.set_connected(True)
        await wakeups.wait(0.01)  # woken: an event may have been missed
        waiting = asyncio.create_task(wakeups.wait(0.01))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        subscriptions.set_connected(False)
        await waiting
        await wakeups.wait(0.01)


async def test_subscriptions_keep_nothing_of_a_job_without_subscribers() -> None:
    subscriptions = JobSubscriptions()
    async with subscriptions.subscribe("job_a"):
        subscriptions.notify("job_a")
        subscriptions.notify("job_a")  # starts a timer
    assert subscriptions._jobs == {}
