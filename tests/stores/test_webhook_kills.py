"""kill -9 of the process that sends webhook deliveries: each is delivered, and none is invented."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.webhooks import WebhookEvent, WebhookOptions
from stores.postgres.database import Database
from stores.postgres.webhook_store import WebhookStore
from tests.stores.postgres import postgres_stores
from tests.stores.work import DONE, begin
from tests.webhook_receiver import Receiver, receiver

KILLS, JOBS = 6, 40
SENDER = """
import asyncio, sys
from actors.webhook_loop import WebhookLoop
from actors.webhook_sender import WebhookSender
from domain.webhooks import WebhookOptions
from stores.postgres.database import Database
from stores.postgres.delivery_queue import DeliveryQueue

async def main():
    options = WebhookOptions.model_validate_json(sys.argv[2])
    queue = DeliveryQueue(Database(sys.argv[1]), options.retry_seconds)
    loop = WebhookLoop(queue, WebhookSender(options), poll_seconds=0.02, lease_seconds=0.5)
    await loop.run()

asyncio.run(main())
"""
OPTIONS = WebhookOptions(
    allow_private_addresses=True, timeout_seconds=5, retry_seconds=(0.05,) * (2 * KILLS)
)


@contextmanager
def sender(database_url: str) -> Iterator[None]:
    """A process that sends deliveries, killed at the end."""
    command = [sys.executable, "-c", SENDER, database_url, OPTIONS.model_dump_json()]
    process = subprocess.Popen(command)
    try:
        yield
        assert process.poll() is None, "the process ended before it was killed"
    finally:
        process.kill()
        process.wait()


async def kill_a_sender(url: str, server: Receiver, chance: random.Random) -> None:
    """Kills a process some requests after its start: either in the middle of an attempt, or while
    the endpoint answers, sometimes with an error. The endpoint holds one of the next requests, so
    that deliveries are left however late the kill is."""
    server.statuses = chance.choices([204, 500], k=2)
    requests = len(server.received) + chance.randint(1, 5)
    server.held = requests + chance.randint(0, 1)
    with sender(url):
        await asyncio.to_thread(server.wait_for, requests)
    server.resume()


@pytest.mark.parametrize("seed", [0, 1])
async def test_deliveries_of_a_killed_process_are_sent_by_the_next_one(
    seed: int, database: Database, database_url: str
) -> None:
    webhooks, chance = WebhookStore(database, OPTIONS), random.Random(seed)
    stores = postgres_stores(database)
    with receiver() as server:
        webhook, secret = await webhooks.create(server.url, list(WebhookEvent))
        for _ in range(JOBS):
            await stores.queue.finish(await begin(stores), DONE)
        left = list[int]()
        for _ in range(KILLS):
            await kill_a_sender(database_url, server, chance)
            left.append(await webhooks.pending())
        assert any(left), "the kills came too late"
        with sender(database_url):
            async with asyncio.timeout(60):
                while await webhooks.pending():  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.05)
        queued = (await webhooks.deliveries(webhook.webhook_id, limit=2 * JOBS)).items
        assert [one.status for one in queued] == ["delivered"] * JOBS
        assert {one.delivery_id for one in server.received} == {one.delivery_id for one in queued}
        jobs = {request.verified(secret)["data"]["job_id"] for request in server.received}
        assert jobs == {one.job_id for one in queued} and len(jobs) == JOBS
