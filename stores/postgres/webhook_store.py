"""Registered webhooks and the log of their deliveries. `DeliveryQueue` leases what is due."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict, NotFound
from domain.identifiers import DELIVERY_ID, WEBHOOK_ID
from domain.jobs import CursorPage
from domain.webhook_urls import check_url
from domain.webhooks import (
    MAX_WEBHOOKS,
    PING,
    Delivery,
    Webhook,
    WebhookEvent,
    WebhookOptions,
    new_delivery_id,
    new_secret,
    new_webhook_id,
)
from stores.postgres.audit_log import Action, actor, record_action
from stores.postgres.cursors import decode_cursor, encode_cursor
from stores.postgres.database import NOW, Database
from stores.postgres.schema import DELIVERIES, WEBHOOKS

PUBLIC = [column for column in WEBHOOKS.c if column.name != "secret"]
IS_PENDING = DELIVERIES.c.delivered_at.is_(None) & DELIVERIES.c.abandoned_at.is_(None)
DISABLED_BY_REQUEST = "disabled by a request"


class WebhookStore:
    """Creates, changes and deletes webhooks, and reads their deliveries.

    Every method raises DatabaseUnavailable, and NotFound for an unknown id.
    """

    def __init__(self, database: Database, options: WebhookOptions | None = None) -> None:
        self.database = database
        self.options = options or WebhookOptions()

    async def create(
        self,
        url: str,
        events: Collection[WebhookEvent],
        collections: Collection[str] | None = None,
    ) -> tuple[Webhook, str]:
        """Creates a webhook; returns it and its signing secret, which no other method returns.

        Raises RefusedWebhookUrl, and Conflict above MAX_WEBHOOKS.
        """
        secret = new_secret()
        columns = {
            "webhook_id": new_webhook_id(),
            "url": check_url(url, allow_private=self.options.allow_private_addresses),
            "secret": secret,
            "events": sorted(set(events)),
            "collections": None if collections is None else sorted(set(collections)),
            "created_by": actor(),
        }
        async with self.database.begin() as connection:
            await _check_count(connection)
            statement = insert(WEBHOOKS).values(**columns).returning(*PUBLIC)
            webhook = Webhook.model_validate((await connection.execute(statement)).one())
            details = {"host": urlsplit(webhook.url).hostname, "events": columns["events"]}
            await record_action(
                connection, Action.CREATE_WEBHOOK, webhook.webhook_id, details=details
            )
        return webhook, secret

    async def list(self) -> list[Webhook]:
        """Returns all webhooks, newest first."""
        newest = select(*PUBLIC).order_by(WEBHOOKS.c.created_at.desc(), WEBHOOKS.c.webhook_id)
        async with self.database.single() as connection:
            return [Webhook.model_validate(row) for row in await connection.execute(newest)]

    async def get(self, webhook_id: str) -> Webhook:
        """Returns a webhook."""
        async with self.database.single() as connection:
            return await _webhook(connection, webhook_id)

    async def change(self, webhook_id: str, changes: Mapping[str, Any]) -> Webhook:
        """Changes `collections`, `events` or `enabled`, and returns the webhook."""
        values = {name: value for name, value in changes.items() if name != "enabled"}
        if "enabled" in changes:
            values |= _switched(changes["enabled"])
        async with self.database.begin() as connection:
            await _webhook(connection, webhook_id)
            if values:
                changed = update(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id)
                await connection.execute(changed.values(values))
                details = dict(changes)
                await record_action(connection, Action.CHANGE_WEBHOOK, webhook_id, details=details)
            return await _webhook(connection, webhook_id)

    async def delete(self, webhook_id: str) -> None:
        """Deletes a webhook with its deliveries; pending ones are not sent."""
        async with self.database.begin() as connection:
            await _webhook(connection, webhook_id)
            for table in (WEBHOOKS, DELIVERIES):
                await connection.execute(delete(table).where(table.c.webhook_id == webhook_id))
            await record_action(connection, Action.DELETE_WEBHOOK, webhook_id)

    # --- deliveries

    async def deliveries(
        self, webhook_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> CursorPage[Delivery]:
        """Returns a page of deliveries, newest first. Raises InvalidRequest for a bad cursor."""
        key = tuple_(DELIVERIES.c.created_at, DELIVERIES.c.delivery_id)
        newest = select(DELIVERIES).where(DELIVERIES.c.webhook_id == webhook_id)
        if cursor is not None:
            newest = newest.where(key < tuple_(*decode_cursor(cursor, DELIVERY_ID)))
        newest = newest.order_by(
            DELIVERIES.c.created_at.desc(), DELIVERIES.c.delivery_id.desc()
        ).limit(limit + 1)
        async with self.database.single() as connection:
            await _webhook(connection, webhook_id)
            rows = (await connection.execute(newest)).all()
        items = [Delivery.model_validate(row) for row in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        return CursorPage(items, encode_cursor(last.created_at, last.delivery_id) if last else None)

    async def pending(self) -> int:
        """Returns the number of deliveries that wait for an attempt; not those of disabled
        webhooks."""
        is_sent = DELIVERIES.c.webhook_id == WEBHOOKS.c.webhook_id
        waiting = select(func.count()).select_from(DELIVERIES).join(WEBHOOKS, is_sent)
        waiting = waiting.where(IS_PENDING, WEBHOOKS.c.disabled_at.is_(None))
        async with self.database.single() as connection:
            return (await connection.execute(waiting)).scalar_one()

    async def redeliver(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Queues a delivery again under the same id, with all its retries; returns it.

        Raises Conflict for a disabled webhook.
        """
        afresh = {
            "attempts": 0,
            "next_attempt_at": NOW,
            "delivered_at": None,
            "abandoned_at": None,
        }
        one = (DELIVERIES.c.webhook_id == webhook_id, DELIVERIES.c.delivery_id == delivery_id)
        statement = update(DELIVERIES).where(*one).values(afresh).returning(DELIVERIES)
        async with self.database.begin() as connection:
            await _check_enabled(connection, webhook_id)
            row = (await connection.execute(statement)).first()
        if row is None:
            raise NotFound(f"The webhook {webhook_id} has no delivery {delivery_id}.")
        return Delivery.model_validate(row)

    async def ping(self, webhook_id: str) -> Delivery:
        """Queues a delivery of the event `ping`; returns it. Raises Conflict if disabled."""
        payload = {
            "type": PING,
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "data": {"webhook_id": webhook_id},
        }
        columns = {
            "delivery_id": new_delivery_id(),
            "webhook_id": webhook_id,
            "event": PING,
            "payload": payload,
            "next_attempt_at": NOW,
        }
        statement = insert(DELIVERIES).values(columns).returning(DELIVERIES)
        async with self.database.begin() as connection:
            await _check_enabled(connection, webhook_id)
            return Delivery.model_validate((await connection.execute(statement)).one())


def _switched(enabled: bool) -> dict[str, Any]:
    if enabled:
        return {"disabled_at": None, "disabled_reason": None}
    return {"disabled_at": NOW, "disabled_reason": DISABLED_BY_REQUEST}


async def _check_count(connection: AsyncConnection) -> None:
    statement = select(func.count()).select_from(WEBHOOKS)
    if (await connection.execute(statement)).scalar_one() >= MAX_WEBHOOKS:
        raise Conflict(
            f"There are {MAX_WEBHOOKS} webhooks already. Nothing was stored. Delete one first."
        )


async def _webhook(connection: AsyncConnection, webhook_id: str) -> Webhook:
    error = NotFound(f"There is no webhook {webhook_id!r}; list them with `paperworks webhooks`.")
    if not WEBHOOK_ID.fullmatch(webhook_id):
        raise error
    statement = select(*PUBLIC).where(WEBHOOKS.c.webhook_id == webhook_id)
    row = (await connection.execute(statement)).first()
    if row is None:
        raise error
    return Webhook.model_validate(row)


async def _check_enabled(connection: AsyncConnection, webhook_id: str) -> None:
    webhook = await _webhook(connection, webhook_id)
    if webhook.disabled_at is not None:
        raise Conflict(
            f"The webhook {webhook_id} is disabled: {webhook.disabled_reason}. Nothing was queued. "
            "Enable it first."
        )
