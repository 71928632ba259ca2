"""The delivery loop: a PostgreSQL server, an HTTP server on loopback, and the end of a job."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
from prometheus_client import generate_latest

from actors.webhook_loop import PARALLEL_OF_ONE_WEBHOOK, WebhookLoop
from actors.webhook_metrics import WebhookMetrics
from actors.webhook_sender import WebhookSender
from domain.errors import DatabaseUnavailable
from domain.webhooks import (
    Delivery,
    DeliveryStatus,
    DueDelivery,
    Outcome,
    WebhookEvent,
    WebhookOptions,
)
from stores.postgres.database import Database
from stores.postgres.delivery_queue import DeliveryQueue
from stores.postgres.webhook_store import WebhookStore
from tests.stores.postgres import postgres_stores
from tests.stores.work import DAMAGED, DONE, begin
from tests.webhook_receiver import Receiver, receiver

OPTIONS = WebhookOptions(allow_private_addresses=True, timeout_seconds=5, retry_seconds=(0.05,) * 3)
ALL = list(WebhookEvent)


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def webhooks(database: Database) -> WebhookStore:
    return WebhookStore(database, OPTIONS)


def loop_over(
    database: Database,
    options: WebhookOptions = OPTIONS,
    lease_seconds: float = OPTIONS.lease_seconds,
) -> WebhookLoop:
    queue, sender = DeliveryQueue(database, options.retry_seconds), WebhookSender(options)
    return WebhookLoop(queue, sender, poll_seconds=0.02, lease_seconds=lease_seconds)


@asynccontextmanager
async def running(loop: WebhookLoop) -> AsyncIterator[None]:
    task = asyncio.create_task(loop.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - the log has no event to wait for
            await asyncio.sleep(0.02)


async def ended(webhooks: WebhookStore, webhook_id: str) -> list[Delivery]:
    """Returns the deliveries, newest first, once none is pending."""
    found: list[Delivery] = []

    async def are_ended() -> bool:
        found[:] = (await webhooks.deliveries(webhook_id)).items
        return bool(found) and all(one.status != "pending" for one in found)

    await until(are_ended)
    return found


async def test_delivery_is_repeated_until_the_endpoint_accepts(
    database: Database, webhooks: WebhookStore, server: Receiver
) -> None:
    server.statuses = [500, 302]
    webhook, secret = await webhooks.create(server.url, ALL)
    stores = postgres_stores(database)
    task = await begin(stores)
    async with running(loop_over(database)):
        await stores.queue.finish(task, DONE)
        [delivery] = await ended(webhooks, webhook.webhook_id)
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("delivered", 3, 204)
    assert len(server.received) == 3
    assert {request.delivery_id for request in server.received} == {delivery.delivery_id}
    for request in server.received:
        payload = request.verified(secret)
        assert payload["type"] == "job.completed"
        assert payload["data"]["job_id"] == task.job_id


async def test_delivery_is_abandoned_after_the_last_retry(
    database: Database, webhooks: WebhookStore, server: Receiver
) -> None:
    server.statuses = [500] * 4
    webhook, _ = await webhooks.create(server.url, ALL)
    await webhooks.ping(webhook.webhook_id)
    loop, metrics = loop_over(database), WebhookMetrics()
    loop.count = metrics.count
    assert await webhooks.pending() == 1
    async with running(loop):
        [delivery] = await ended(webhooks, webhook.webhook_id)
        assert (delivery.status, delivery.attempts) == ("abandoned", 4)
        await webhooks.redeliver(webhook.webhook_id, delivery.delivery_id)
        [delivery] = await ended(webhooks, webhook.webhook_id)
    assert delivery.status == "delivered" and len(server.received) == 5
    page = generate_latest(metrics.registry).decode()
    for outcome, count in {"retried": 3, "abandoned": 1, "delivered": 1}.items():
        assert f'webhook_attempts_total{{outcome="{outcome}"}} {count}.0' in page
    assert await webhooks.pending() == 0


async def test_pause_that_the_endpoint_asks_for_is_kept(
    database: Database, webhooks: WebhookStore, server: Receiver
) -> None:
    server.statuses, server.headers = [503], [("Retry-After", "3600")]
    webhook, _ = await webhooks.create(server.url, ALL)
    await webhooks.ping(webhook.webhook_id)

    async def has_failed() -> bool:
        [delivery] = (await webhooks.deliveries(webhook.webhook_id)).items
        return delivery.last_status == 503

    async with running(loop_over(database)):
        await until(has_failed)
    [delivery] = (await webhooks.deliveries(webhook.webhook_id)).items
    assert delivery.next_attempt_at and delivery.last_attempt_at
    assert 3600 <= (delivery.next_attempt_at - delivery.last_attempt_at).total_seconds() < 3700
    assert (delivery.status, delivery.attempts, len(server.received)) == ("pending", 1, 1)


async def test_gone_endpoint_gets_nothing_more(
    database: Database, webhooks: WebhookStore, server: Receiver
) -> None:
    server.statuses = [410]
    webhook, _ = await webhooks.create(server.url, ALL)
    await webhooks.ping(webhook.webhook_id)
    stores = postgres_stores(database)
    async with running(loop_over(database)):
        await ended(webhooks, webhook.webhook_id)
        await stores.queue.fail(await begin(stores), DAMAGED)
        assert len(await ended(webhooks, webhook.webhook_id)) == 1
    assert (await webhooks.get(webhook.webhook_id)).disabled_at and len(server.received) == 1


async def test_url_is_refused_after_the_setting_was_withdrawn(
    database: Database, webhooks: WebhookStore, server: Receiver
) -> None:
    webhook, _ = await webhooks.create(server.url, ALL)
    await webhooks.ping(webhook.webhook_id)
    strict = WebhookOptions(retry_seconds=())
    async with running(loop_over(database, strict)):
        [delivery] = await ended(webhooks, webhook.webhook_id)
    assert delivery.status == "abandoned" and "Nothing was sent" in (delivery.last_error or "")
    assert server.received == []


async def test_slow_endpoint_does_not_delay_the_others(
    database: Database, webhooks: WebhookStore, server: Receiver
) -> None:
    with receiver() as slow:
        slow.answers.clear()
        hanging, _ = await webhooks.create(slow.url, ALL)
        other, _ = await webhooks.create(server.url, ALL)
        for _ in range(20):
            await webhooks.ping(hanging.webhook_id)
        async with running(loop_over(database)):
            await asyncio.to_thread(slow.wait_for, PARALLEL_OF_ONE_WEBHOOK)
            for _ in range(4):
                await webhooks.ping(other.webhook_id)
            assert len(await ended(webhooks, other.webhook_id)) == 4
            assert len(slow.received) == PARALLEL_OF_ONE_WEBHOOK
            slow.answers.set()
            assert len(await ended(webhooks, hanging.webhook_id)) == 20


async def test_attempt_of_a_killed_loop_is_repeated(
    database: Database, webhooks: WebhookStore, server: Receiver
) -> None:
    server.answers.clear()
    webhook, _ = await webhooks.create(server.url, ALL)
    await webhooks.ping(webhook.webhook_id)
    async with running(loop_over(database, lease_seconds=0.2)):
        await asyncio.to_thread(server.wait_for, 1)
    server.answers.set()
    async with running(loop_over(database, lease_seconds=0.2)):
        [delivery] = await ended(webhooks, webhook.webhook_id)
    assert delivery.status == "delivered" and delivery.attempts >= 2
    assert len({request.delivery_id for request in server.received}) == 1


class BrokenSender:
    """Raises an exception that no sender should raise."""

    async def send(self, due: DueDelivery) -> Outcome:
        raise ZeroDivisionError


class UnavailableOnce(DeliveryQueue):
    """A queue whose database is unavailable at the first claim, and at the first record."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, OPTIONS.retry_seconds)
        self.claims, self.records = 0, 0

    async def claim(self, *arguments, **options) -> list[DueDelivery]:
        self.claims += 1
        if self.claims == 1:
            raise DatabaseUnavailable
        return await super().claim(*arguments, **options)

    async def record(self, due: DueDelivery, outcome: Outcome) -> DeliveryStatus | None:
        self.records += 1
        if self.records == 1:
            raise DatabaseUnavailable
        return await super().record(due, outcome)


async def test_loop_survives_errors(
    database: Database,
    webhooks: WebhookStore,
    server: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("actors.webhook_loop.RETRY_SECONDS", 0.01)
    webhook, _ = await webhooks.create(server.url, ALL)
    ping = await webhooks.ping(webhook.webhook_id)
    queue = UnavailableOnce(database)
    loop = partial(WebhookLoop, queue, poll_seconds=0.02, lease_seconds=0.1)
    async with running(loop(WebhookSender(OPTIONS))):
        [delivery] = await ended(webhooks, webhook.webhook_id)
    assert delivery.status == "delivered" and len(server.received) == 2
    await webhooks.redeliver(webhook.webhook_id, ping.delivery_id)
    with caplog.at_level(logging.ERROR, "actors.webhook_loop"):
        async with running(loop(BrokenSender())):
            [delivery] = await ended(webhooks, webhook.webhook_id)
    assert delivery.status == "abandoned" and "ZeroDivisionError" in (delivery.last_error or "")
    assert "could not be sent" in caplog.text
