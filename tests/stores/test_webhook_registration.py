"""Registration of webhooks, on PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from domain.errors import Conflict, InvalidRequest, NotFound, RefusedWebhookUrl
from domain.identifiers import DELIVERY_ID, WEBHOOK_ID
from domain.webhooks import MAX_WEBHOOKS, WebhookEvent, WebhookOptions
from stores.postgres.audit_log import acting_as
from stores.postgres.database import Database
from stores.postgres.webhook_store import WebhookStore
from tests.fakes.in_memory_webhooks import InMemoryWebhookStore

URL = "https://lab.example/papers"
ALL = list(WebhookEvent)


@pytest.fixture(params=["memory", "postgres"])
def registered(request: pytest.FixtureRequest) -> WebhookStore | InMemoryWebhookStore:
    if request.param == "memory":
        return InMemoryWebhookStore()
    return WebhookStore(request.getfixturevalue("database"))


async def test_webhook_is_created_changed_and_deleted(registered: WebhookStore) -> None:
    with acting_as("key 1"):
        webhook, secret = await registered.create(URL, ALL, ["b", "a", "b"])
    assert WEBHOOK_ID.fullmatch(webhook.webhook_id) and secret.startswith("whsec_")
    assert webhook.collections == ("a", "b") and webhook.events == tuple(sorted(ALL))
    assert (webhook.created_by, webhook.url) == ("key 1", URL)
    other, other_secret = await registered.create("https://LAB.example", [WebhookEvent.FAILED])
    assert other.url == "https://lab.example/" and other_secret != secret
    assert await registered.list() == [other, webhook]
    changes = {"collections": None, "events": ["job_failed"], "enabled": False}
    changed = await registered.change(webhook.webhook_id, changes)
    assert (changed.collections, changed.events) == (None, (WebhookEvent.FAILED,))
    assert changed.disabled_at and changed.disabled_reason == "disabled by a request"
    enabled = await registered.change(webhook.webhook_id, {"enabled": True})
    assert (enabled.disabled_at, enabled.disabled_reason) == (None, None)
    assert await registered.change(webhook.webhook_id, {}) == enabled
    await registered.delete(webhook.webhook_id)
    assert await registered.list() == [other]


async def test_unknown_webhook_is_not_found(registered: WebhookStore) -> None:
    calls: tuple[Callable[[str], Awaitable[object]], ...] = (
        *(registered.get, registered.delete, registered.deliveries, registered.ping),
        *(
            lambda name: registered.change(name, {}),
            lambda name: registered.redeliver(name, "whd_" + "0" * 32),
        ),
    )
    for call in calls:
        for name in ("wh_" + "0" * 16, "x\0"):
            with pytest.raises(NotFound):
                await call(name)


async def test_private_url_is_refused_unless_allowed(database: Database) -> None:
    for store in (InMemoryWebhookStore(), WebhookStore(database)):
        with pytest.raises(RefusedWebhookUrl):
            await store.create("https://10.0.0.1/", ALL)
        assert await store.list() == []
    lax = WebhookStore(database, WebhookOptions(allow_private_addresses=True))
    webhook, _ = await lax.create("http://10.0.0.1:80", ALL)
    assert webhook.url == "http://10.0.0.1/"


async def test_number_of_webhooks_is_limited(registered: WebhookStore) -> None:
    for _ in range(MAX_WEBHOOKS):
        await registered.create(URL, ALL)
    with pytest.raises(Conflict):
        await registered.create(URL, ALL)


async def test_deliveries_are_paged_newest_first(registered: WebhookStore) -> None:
    webhook, _ = await registered.create(URL, ALL)
    pings = [await registered.ping(webhook.webhook_id) for _ in range(5)]
    other, _ = await registered.create(URL, ALL)
    await registered.ping(other.webhook_id)
    found, cursor = list[str](), None
    while True:
        page = await registered.deliveries(webhook.webhook_id, cursor=cursor, limit=2)
        found += [one.delivery_id for one in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert found == [one.delivery_id for one in reversed(pings)]
    with pytest.raises(InvalidRequest):
        await registered.deliveries(webhook.webhook_id, cursor="nonsense")


async def test_disabled_webhook_gets_no_ping(registered: WebhookStore) -> None:
    webhook, _ = await registered.create(URL, ALL)
    ping = await registered.ping(webhook.webhook_id)
    assert DELIVERY_ID.fullmatch(ping.delivery_id) and ping.event == "ping"
    await registered.change(webhook.webhook_id, {"enabled": False})
    for call in (
        registered.ping(webhook.webhook_id),
        registered.redeliver(webhook.webhook_id, ping.delivery_id),
    ):
        with pytest.raises(Conflict):
            await call
    with pytest.raises(NotFound):
        await registered.redeliver(
            (await registered.create(URL, ALL))[0].webhook_id, ping.delivery_id
        )
