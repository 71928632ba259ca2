"""Webhook deliveries in PostgreSQL: transactions, leases, backoff, retention, audit log."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import func, select, text

from domain.errors import NotFound
from domain.identifiers import DELIVERY_ID
from domain.jobs import Upload
from domain.webhooks import (
    Delivery,
    DeliveryStatus,
    DueDelivery,
    Outcome,
    WebhookEvent,
)
from stores.postgres.audit_log import AuditLog, acting_as
from stores.postgres.collection_store import CollectionStore
from stores.postgres.database import Database
from stores.postgres.delivery_queue import DeliveryQueue
from stores.postgres.retention import remove_old_records
from stores.postgres.schema import DELIVERIES
from stores.postgres.webhook_store import WebhookStore
from tests.stores.postgres import Stores, postgres_stores
from tests.stores.work import DAMAGED, DAY, DONE, HOUR, admit, begin, claim, claim_one, upload

URL = "https://lab.example/papers"
ALL = list(WebhookEvent)
HIDE_SECONDS = 60.0
RETRIES = (10.0, 100.0)
OK, ERROR, GONE = Outcome(200), Outcome(500), Outcome(410)
UNREACHABLE = Outcome(error="ConnectError: refused")


class Deliveries:
    """The stores over one database, and the deliveries of one webhook."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.stores: Stores = postgres_stores(database)
        self.webhooks = WebhookStore(database)
        self.queue = DeliveryQueue(database, RETRIES)

    async def add(self, *events: WebhookEvent, collections: list[str] | None = None) -> str:
        webhook, _ = await self.webhooks.create(URL, events or ALL, collections)
        return webhook.webhook_id

    async def of(self, webhook_id: str) -> list[Delivery]:
        return (await self.webhooks.deliveries(webhook_id)).items

    async def one(self, webhook_id: str) -> Delivery:
        [delivery] = await self.of(webhook_id)
        return delivery

    async def claim(self, limit: int = 8, each: int = 8, busy: tuple[str, ...] = ()):
        return await self.queue.claim(limit, each=each, busy=busy, hide_seconds=HIDE_SECONDS)

    async def claim_one(self) -> DueDelivery:
        [due] = await self.claim()
        return due


@pytest.fixture
def log(database: Database) -> Deliveries:
    return Deliveries(database)


async def test_end_of_a_job_queues_a_delivery(log: Deliveries) -> None:
    name = await log.add()
    task = await begin(log.stores)
    assert await log.of(name) == []
    await log.stores.queue.finish(task, DONE)
    delivery = await log.one(name)
    assert DELIVERY_ID.fullmatch(delivery.delivery_id)
    assert (delivery.event, delivery.job_id) == ("job_completed", task.job_id)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 0)
    at = datetime.fromisoformat(delivery.payload.pop("timestamp"))
    assert abs((at - delivery.created_at).total_seconds()) < 5
    assert delivery.payload == {
        "type": "job.completed",
        "data": {
            "job_id": task.job_id,
            "collection": "papers",
            "status": "completed",
            "counts": {"total": 1, "completed": 1, "failed": 0, "cancelled": 0},
        },
    }


async def test_delivery_has_the_present_name_of_a_renamed_collection(log: Deliveries) -> None:
    name = await log.add(collections=["papers"])
    task = await begin(log.stores)
    await CollectionStore(log.database).change("papers", {"name": "theses"})
    await log.stores.queue.finish(task, DONE)
    assert (await log.one(name)).payload["data"]["collection"] == "theses"


async def test_every_final_status_is_a_delivery_and_a_retry_another(log: Deliveries) -> None:
    name = await log.add()
    failed = await begin(log.stores)
    await log.stores.queue.fail(failed, DAMAGED)
    cancelled = await admit(log.stores)
    await log.stores.job_control.cancel(cancelled.job_id)
    await log.stores.jobs.admit("papers", [upload(), upload()])
    one, other = await claim(log.stores)
    await log.stores.queue.finish(one, DONE)
    await log.stores.queue.fail(other, DAMAGED)
    await log.stores.job_control.retry(failed.job_id)
    await log.stores.queue.finish(await claim_one(log.stores), DONE)
    found = list(reversed(await log.of(name)))
    assert [one.event for one in found] == [
        *("job_failed", "job_cancelled", "job_partial", "job_completed")
    ]
    counts = [one.payload["data"]["counts"] for one in found]
    assert counts[2] == {"total": 2, "completed": 1, "failed": 1, "cancelled": 0}
    assert {event.value for event in WebhookEvent} == {one.event for one in found}


async def test_delivery_exists_exactly_if_the_end_was_committed(log: Deliveries) -> None:
    name = await log.add()
    task = await begin(log.stores)
    end = text("UPDATE jobs SET status = 'completed' WHERE job_id = :job_id")
    with pytest.raises(RuntimeError, match="killed"):
        async with log.database.begin() as connection:
            await connection.execute(end, {"job_id": task.job_id})
            counted = select(func.count()).select_from(DELIVERIES)
            assert (await connection.execute(counted)).scalar_one() == 1
            assert await log.of(name) == [], "another session sees an uncommitted delivery"
            raise RuntimeError("killed")
    assert await log.of(name) == []
    await log.stores.queue.finish(task, DONE)
    assert (await log.one(name)).event == "job_completed"


async def test_webhook_gets_only_its_collections_and_events(log: Deliveries) -> None:
    other = await log.add(collections=["other"])
    own = await log.add(collections=["papers", "other"])
    failures = await log.add(WebhookEvent.FAILED, WebhookEvent.PARTIAL)
    disabled = await log.add()
    await log.webhooks.change(disabled, {"enabled": False})
    await log.stores.queue.finish(await begin(log.stores), DONE)
    counts = [len(await log.of(name)) for name in (other, own, failures, disabled)]
    assert counts == [0, 1, 0, 0]


async def test_deletion_during_the_end_of_a_job_does_not_disturb_it(log: Deliveries) -> None:
    name = await log.add()
    task = await begin(log.stores)
    async with log.database.begin() as connection:
        await connection.execute(text("DELETE FROM webhooks"))
        await asyncio.wait_for(log.stores.queue.finish(task, DONE), 10)
    assert (await log.stores.jobs.job(task.job_id)).status == "completed"
    assert await log.claim() == [], "a delivery of a deleted webhook is not sent"
    with pytest.raises(NotFound):
        await log.of(name)


# --- claims and outcomes


async def test_claim_leases_a_delivery_with_url_and_secret(log: Deliveries) -> None:
    webhook, secret = await log.webhooks.create(URL, ALL)
    await log.webhooks.ping(webhook.webhook_id)
    due = await log.claim_one()
    assert (due.url, due.secret, due.attempt) == (URL, secret, 1)
    assert due.payload["type"] == "ping" and secret not in repr(due)
    assert await log.claim() == [], "it is leased"
    await log.stores.advance(HIDE_SECONDS + 1)
    again = await log.claim_one()
    assert (again.delivery_id, again.attempt) == (due.delivery_id, 2)
    await log.queue.record(due, OK)
    assert (await log.one(webhook.webhook_id)).status == "pending", "the claim was an older one"
    await log.queue.record(again, OK)
    delivery = await log.one(webhook.webhook_id)
    assert (delivery.status, delivery.last_status) == (DeliveryStatus.DELIVERED, 200)
    assert delivery.next_attempt_at is None and delivery.delivered_at is not None
    await log.stores.advance(DAY)
    assert await log.claim() == []


async def test_concurrent_claims_share_no_delivery(log: Deliveries) -> None:
    name = await log.add()
    for _ in range(20):
        await log.webhooks.ping(name)
    claims = await asyncio.gather(*(log.claim(limit=4) for _ in range(8)))
    ids = [due.delivery_id for claimed in claims for due in claimed]
    assert len(ids) == len(set(ids)) and all(len(claimed) <= 4 for claimed in claims)
    while rest := await log.claim():
        ids += [due.delivery_id for due in rest]
    assert len(ids) == len(set(ids)) == 20


async def test_claim_limits_each_webhook_and_skips_busy_ones(log: Deliveries) -> None:
    slow, other = await log.add(), await log.add()
    for _ in range(5):
        await log.webhooks.ping(slow)
    await log.webhooks.ping(other)
    first = await log.claim(each=2)
    assert sorted(due.webhook_id for due in first) == sorted([slow, slow, other])
    assert await log.claim(each=2, busy=(slow, other)) == []
    assert len(await log.claim(limit=1, each=2)) == 1


async def test_failed_attempt_is_repeated_after_backoff_and_then_abandoned(
    log: Deliveries,
) -> None:
    name = await log.add()
    ping = await log.webhooks.ping(name)
    for attempt, (outcome, seconds) in enumerate(zip((ERROR, UNREACHABLE), RETRIES, strict=True)):
        due = await log.claim_one()
        assert due.attempt == attempt + 1
        await log.queue.record(due, outcome)
        delivery = await log.one(name)
        assert (delivery.last_status, delivery.last_error) == (outcome.status, outcome.error)
        await log.stores.advance(seconds * 0.8)
        assert await log.claim() == []
        await log.stores.advance(seconds * 0.4)
    await log.queue.record(await log.claim_one(), ERROR)
    delivery = await log.one(name)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.ABANDONED, 3)
    assert delivery.abandoned_at and delivery.next_attempt_at is None
    await log.stores.advance(DAY)
    assert await log.claim() == []
    again = await log.webhooks.redeliver(name, ping.delivery_id)
    assert (again.status, again.attempts) == (DeliveryStatus.PENDING, 0)
    due = await log.claim_one()
    assert (due.delivery_id, due.attempt) == (ping.delivery_id, 1)
    await log.queue.record(due, OK)
    assert (await log.one(name)).status == "delivered"


async def test_410_disables_the_webhook_and_abandons_its_deliveries(log: Deliveries) -> None:
    gone, other = await log.add(), await log.add()
    for name in (gone, gone, other):
        await log.webhooks.ping(name)
    due = next(due for due in await log.claim() if due.webhook_id == gone)
    await log.queue.record(due, GONE)
    webhook = await log.webhooks.get(gone)
    assert webhook.disabled_at and "410" in (webhook.disabled_reason or "")
    assert {one.status for one in await log.of(gone)} == {DeliveryStatus.ABANDONED}
    assert (await log.one(other)).status == "pending"
    await log.stores.queue.finish(await begin(log.stores), DONE)
    assert len(await log.of(gone)) == 2 and len(await log.of(other)) == 2


async def test_410_during_deletion_causes_no_deadlock(log: Deliveries) -> None:
    for _ in range(10):
        name = await log.add()
        for _ in range(4):
            await log.webhooks.ping(name)
        claimed = await log.claim()
        async with asyncio.timeout(20):
            await asyncio.gather(
                *(log.queue.record(due, GONE) for due in claimed), log.webhooks.delete(name)
            )


# --- retention and audit


async def test_retention_removes_deliveries_that_are_not_pending(log: Deliveries) -> None:
    name, disabled = await log.add(), await log.add()
    done, pending, young = [await log.webhooks.ping(name) for _ in range(3)]
    await log.webhooks.ping(disabled)
    await log.webhooks.change(disabled, {"enabled": False})
    for due in await log.claim():
        if due.delivery_id != pending.delivery_id:
            await log.queue.record(due, OK)
    await log.stores.advance(31 * DAY)
    again = text("UPDATE webhook_deliveries SET created_at = now() WHERE delivery_id = :id")
    async with log.database.begin() as connection:
        await connection.execute(again, {"id": young.delivery_id})
    assert (await remove_old_records(log.database, 90, delivery_days=30)).deliveries == 2
    kept = {one.delivery_id for one in await log.of(name)}
    assert kept == {pending.delivery_id, young.delivery_id} and done.delivery_id not in kept
    await log.webhooks.delete(name)
    assert (await remove_old_records(log.database, 90, delivery_days=30)).deliveries == 0


async def test_deletion_of_a_webhook_deletes_its_deliveries(log: Deliveries) -> None:
    name = await log.add()
    await log.webhooks.ping(name)
    await log.webhooks.delete(name)
    async with log.database.single() as connection:
        counted = await connection.execute(select(func.count()).select_from(DELIVERIES))
        assert counted.scalar_one() == 0


async def test_deliveries_outlive_their_job(log: Deliveries) -> None:
    name = await log.add()
    await log.stores.queue.finish(await begin(log.stores), DONE)
    await log.stores.advance(8 * DAY + HOUR)
    assert await log.stores.jobs.purge() == 1
    assert (await log.one(name)).event == "job_completed"


async def test_audit_log_records_webhooks_without_url_and_secret(
    log: Deliveries, database: Database
) -> None:
    with acting_as("key 1"):
        webhook, secret = await log.webhooks.create(f"{URL}/token-in-path", ALL)
        await log.webhooks.change(webhook.webhook_id, {"enabled": False})
        await log.webhooks.delete(webhook.webhook_id)
    entries = (await AuditLog(database).list()).items
    assert [(one.actor, one.action, one.subject) for one in reversed(entries)] == [
        ("key 1", action, webhook.webhook_id)
        for action in ("create_webhook", "change_webhook", "delete_webhook")
    ]
    assert entries[-1].details["host"] == "lab.example"
    assert secret not in str(entries) and "token-in-path" not in str(entries)


async def test_end_of_a_large_job_counts_all_papers(log: Deliveries) -> None:
    name = await log.add()
    papers = [Upload(f"{n}.pdf", f"{n:064x}", 1) for n in range(30)]
    await log.stores.jobs.admit("papers", papers)
    tasks = await claim(log.stores)
    await asyncio.gather(*(log.stores.queue.finish(task, DONE) for task in tasks))
    delivery = await log.one(name)
    assert delivery.payload["data"]["counts"]["completed"] == 30
