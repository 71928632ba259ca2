"""An in-memory fake of `stores.postgres.webhook_store.WebhookStore`: no job queues a delivery."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from domain.errors import Conflict, NotFound
from domain.identifiers import DELIVERY_ID
from domain.jobs import CursorPage
from domain.webhook_urls import check_url
from domain.webhooks import (
    MAX_WEBHOOKS,
    PING,
    Delivery,
    DeliveryStatus,
    Webhook,
    WebhookEvent,
    WebhookOptions,
    new_delivery_id,
    new_secret,
    new_webhook_id,
)
from stores.postgres.audit_log import actor
from stores.postgres.cursors import decode_cursor, encode_cursor
from tests.fakes.in_memory_state import utc_now


class InMemoryWebhookStore:
    """Webhooks, and deliveries that nothing sends."""

    def __init__(self, options: WebhookOptions | None = None) -> None:
        self.options = options or WebhookOptions()
        self.known: dict[str, Webhook] = {}
        self.queued: dict[str, Delivery] = {}

    async def create(
        self,
        url: str,
        events: Collection[WebhookEvent],
        collections: Collection[str] | None = None,
    ) -> tuple[Webhook, str]:
        """Like `WebhookStore.create`."""
        normal = check_url(url, allow_private=self.options.allow_private_addresses)
        if len(self.known) >= MAX_WEBHOOKS:
            raise Conflict(f"There are {MAX_WEBHOOKS} webhooks already.")
        webhook = Webhook(
            webhook_id=new_webhook_id(),
            url=normal,
            collections=None if collections is None else tuple(sorted(set(collections))),
            events=tuple(sorted(set(events))),
            created_by=actor(),
            created_at=utc_now(),
        )
        self.known[webhook.webhook_id] = webhook
        return webhook, new_secret()

    async def list(self) -> list[Webhook]:
        """Like `WebhookStore.list`."""
        return sorted(self.known.values(), key=lambda one: one.created_at, reverse=True)

    async def get(self, webhook_id: str) -> Webhook:
        """Like `WebhookStore.get`."""
        if webhook_id not in self.known:
            raise NotFound(f"There is no webhook {webhook_id!r}.")
        return self.known[webhook_id]

    async def change(self, webhook_id: str, changes: Mapping[str, Any]) -> Webhook:
        """Like `WebhookStore.change`."""
        webhook = await self.get(webhook_id)
        values = {name: value for name, value in changes.items() if name != "enabled"}
        if "enabled" in changes:
            disabled = None if changes["enabled"] else utc_now()
            reason = "disabled by a request" if disabled else None
            values |= {"disabled_at": disabled, "disabled_reason": reason}
        self.known[webhook_id] = Webhook.model_validate({**webhook.model_dump(), **values})
        return self.known[webhook_id]

    async def delete(self, webhook_id: str) -> None:
        """Like `WebhookStore.delete`."""
        await self.get(webhook_id)
        del self.known[webhook_id]
        self.queued = {
            name: one for name, one in self.queued.items() if one.webhook_id != webhook_id
        }

    async def deliveries(
        self, webhook_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> CursorPage[Delivery]:
        """Like `WebhookStore.deliveries`."""
        await self.get(webhook_id)
        found = [one for one in self.queued.values() if one.webhook_id == webhook_id]
        found.sort(key=lambda one: (one.created_at, one.delivery_id), reverse=True)
        if cursor is not None:
            last = decode_cursor(cursor, DELIVERY_ID)
            found = [one for one in found if (one.created_at, one.delivery_id) < last]
        items = found[:limit]
        more = encode_cursor(items[-1].created_at, items[-1].delivery_id) if items else None
        return CursorPage(items, more if len(found) > limit else None)

    async def pending(self) -> int:
        """Like `WebhookStore.pending`."""
        enabled = {one.webhook_id for one in self.known.values() if one.disabled_at is None}
        waiting = [one for one in self.queued.values() if one.status == DeliveryStatus.PENDING]
        return sum(one.webhook_id in enabled for one in waiting)

    async def redeliver(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Like `WebhookStore.redeliver`."""
        await self._check_enabled(webhook_id)
        delivery = self.queued.get(delivery_id)
        if delivery is None or delivery.webhook_id != webhook_id:
            raise NotFound(f"The webhook {webhook_id} has no delivery {delivery_id}.")
        afresh = {"attempts": 0, "next_attempt_at": utc_now()}
        self.queued[delivery_id] = delivery.model_copy(
            update={**afresh, "delivered_at": None, "abandoned_at": None}
        )
        return self.queued[delivery_id]

    async def ping(self, webhook_id: str) -> Delivery:
        """Like `WebhookStore.ping`."""
        await self._check_enabled(webhook_id)
        now = utc_now()
        delivery = Delivery(
            delivery_id=new_delivery_id(),
            webhook_id=webhook_id,
            event=PING,
            payload={"type": PING, "data": {"webhook_id": webhook_id}},
            created_at=now,
            next_attempt_at=now,
        )
        self.queued[delivery.delivery_id] = delivery
        return delivery

    async def _check_enabled(self, webhook_id: str) -> None:
        if (await self.get(webhook_id)).disabled_at is not None:
            raise Conflict(f"The webhook {webhook_id} is disabled.")
