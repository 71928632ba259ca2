"""Schemas of webhooks and of the log of their deliveries."""

from __future__ import annotations

from domain.webhooks import Delivery as DeliveryRecord
from domain.webhooks import Webhook as WebhookRecord
from serve_app.schemas.core import CollectionName, Time, Wire


class Webhook(WebhookRecord, Wire):
    """An endpoint that is told the end of jobs. `collections` null: those of all collections.

    `disabled_reason` states why a disabled webhook gets no deliveries.
    """

    collections: tuple[CollectionName, ...] | None = None
    created_at: Time
    disabled_at: Time | None = None


class CreatedWebhook(Webhook):
    """A new webhook. `secret` signs its deliveries; it is shown only here."""

    secret: str


class Webhooks(Wire):
    """All webhooks, newest first."""

    items: list[Webhook]


class Delivery(DeliveryRecord, Wire):
    """A message to a webhook. `last_status` and `last_error` are those of the last attempt.

    A pending delivery is sent at `next_attempt_at`.
    """

    collection: CollectionName | None = None
    created_at: Time
    next_attempt_at: Time | None = None
    last_attempt_at: Time | None = None
    delivered_at: Time | None = None
    abandoned_at: Time | None = None
