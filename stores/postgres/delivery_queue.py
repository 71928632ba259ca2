"""The queue of webhook deliveries in PostgreSQL: leases what is due and records the outcomes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.webhooks import DeliveryStatus, DueDelivery, Outcome, retry_delay
from stores.postgres.database import NOW, Database, seconds
from stores.postgres.schema import DELIVERIES, WEBHOOKS
from stores.postgres.webhook_store import IS_PENDING

GONE = "the endpoint answered 410 Gone"
# At most :each deliveries of one webhook, so that a slow endpoint does not delay the others.
CLAIM = text("""
    WITH due AS (
        SELECT delivery_id, url, secret
        FROM webhooks CROSS JOIN LATERAL (
            SELECT delivery_id, next_attempt_at FROM webhook_deliveries AS one
            WHERE one.webhook_id = webhooks.webhook_id
                AND delivered_at IS NULL AND abandoned_at IS NULL
                AND next_attempt_at <= statement_timestamp()
            ORDER BY next_attempt_at LIMIT :each FOR UPDATE SKIP LOCKED
        ) AS next
        WHERE disabled_at IS NULL AND webhook_id <> ALL(:busy)
        ORDER BY next_attempt_at LIMIT :batch_size
    )
    UPDATE webhook_deliveries AS one
    SET attempts = attempts + 1, last_attempt_at = statement_timestamp(),
        next_attempt_at = statement_timestamp() + make_interval(secs => :hidden)
    FROM due WHERE one.delivery_id = due.delivery_id
    RETURNING one.delivery_id, webhook_id, attempts AS attempt, payload, url, secret
""")


class DeliveryQueue:
    """Leases due deliveries to senders. Safe for concurrent use by several processes.

    Every method raises DatabaseUnavailable.
    """

    def __init__(self, database: Database, retry_seconds: Sequence[float]) -> None:
        self.database = database
        self.retry_seconds = retry_seconds

    async def claim(
        self, limit: int, *, each: int, busy: Collection[str], hide_seconds: float
    ) -> list[DueDelivery]:
        """Claims at most `limit` due deliveries, and `each` of one webhook, the longest due first.

        Skips the webhooks `busy`. A claimed delivery becomes due again after `hide_seconds` unless
        `record` is called before.
        """
        values = {"batch_size": limit, "each": each, "busy": list(busy), "hidden": hide_seconds}
        async with self.database.begin() as connection:
            rows = await connection.execute(CLAIM, values)
            return [DueDelivery(**row._mapping) for row in rows]

    async def record(self, due: DueDelivery, outcome: Outcome) -> DeliveryStatus | None:
        """Records the outcome of an attempt: delivered, due again after a backoff, or abandoned.

        Returns the status of the delivery; None for the outcome of an older claim, which changes
        nothing. A webhook whose endpoint answered 410 is disabled, and its pending deliveries are
        abandoned.
        """
        own = (
            DELIVERIES.c.delivery_id == due.delivery_id,
            DELIVERIES.c.attempts == due.attempt,
            IS_PENDING,
        )
        values = {"last_status": outcome.status, "last_error": outcome.error}
        status, times = self._end_of(due, outcome)
        changed = update(DELIVERIES).where(*own).values(**values, **times)
        async with self.database.begin() as connection:
            if outcome.is_gone:
                await _lock(connection, due.webhook_id)
            recorded = (await connection.execute(changed)).rowcount
            if recorded and outcome.is_gone:
                await _disable(connection, due.webhook_id)
        return status if recorded else None

    def _end_of(self, due: DueDelivery, outcome: Outcome) -> tuple[DeliveryStatus, dict[str, Any]]:
        """Returns the status after the attempt, and the columns that hold it."""
        if outcome.is_delivered:
            return DeliveryStatus.DELIVERED, {"delivered_at": NOW, "next_attempt_at": None}
        delay = retry_delay(due.attempt, self.retry_seconds, outcome.retry_after)
        if outcome.is_gone or delay is None:
            return DeliveryStatus.ABANDONED, {"abandoned_at": NOW, "next_attempt_at": None}
        return DeliveryStatus.PENDING, {"next_attempt_at": NOW + seconds(delay)}


async def _lock(connection: AsyncConnection, webhook_id: str) -> None:
    """Lock order: webhooks, deliveries, as in the deletion of a webhook."""
    one = select(WEBHOOKS.c.webhook_id).where(WEBHOOKS.c.webhook_id == webhook_id)
    await connection.execute(one.with_for_update())


async def _disable(connection: AsyncConnection, webhook_id: str) -> None:
    pending = update(DELIVERIES).where(DELIVERIES.c.webhook_id == webhook_id, IS_PENDING)
    values = {"abandoned_at": NOW, "next_attempt_at": None, "last_error": GONE}
    await connection.execute(pending.values(values))
    disabled = update(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id)
    await connection.execute(disabled.values(disabled_at=NOW, disabled_reason=GONE))
