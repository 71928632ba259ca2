"""The loop that sends the webhook deliveries of the queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from actors.wake_signal import WakeSignal
from domain.errors import Unavailable
from domain.webhooks import DeliveryStatus, DueDelivery, Outcome
from stores.postgres.delivery_queue import DeliveryQueue

log = logging.getLogger(__name__)
PARALLEL = 8
PARALLEL_OF_ONE_WEBHOOK = 2
RETRY_SECONDS = 5.0  # pause after an error of the queue


class Sender(Protocol):
    """Sends one delivery; does not raise for a failed attempt."""

    def send(self, due: DueDelivery) -> Awaitable[Outcome]: ...


def count_nothing(_status: DeliveryStatus) -> None:
    """Counts no attempt."""


class WebhookLoop:
    """Sends due deliveries, several at a time. At-least-once: an attempt whose outcome could not be
    recorded is repeated after `lease_seconds`, which must be longer than an attempt.

    `count` is called after each recorded attempt, with the status of its delivery.
    """

    def __init__(
        self,
        queue: DeliveryQueue,
        sender: Sender,
        *,
        poll_seconds: float,
        lease_seconds: float,
        count: Callable[[DeliveryStatus], None] = count_nothing,
    ) -> None:
        self.queue = queue
        self.sender = sender
        self.poll_seconds = poll_seconds
        self.signal = WakeSignal()
        self.lease_seconds = lease_seconds
        self.count = count
        self.attempts: dict[asyncio.Task[None], str] = {}  # the webhook of each running attempt

    async def run(self) -> None:
        """Sends due deliveries until cancelled; then it cancels the running attempts."""
        try:
            while True:
                await self._claim()
                await self.signal.sleep(self.poll_seconds)
        finally:
            for attempt in self.attempts:
                attempt.cancel()

    async def _claim(self) -> None:
        """Starts due deliveries; returns later after an error."""
        try:
            await self.start_due()
            return
        except Unavailable as error:
            log.warning("Webhook deliveries are postponed and stay in the queue: %s", error)
        except Exception:
            log.exception("The claim of webhook deliveries failed; they stay in the queue")
        await asyncio.sleep(RETRY_SECONDS)

    async def start_due(self) -> int:
        """Claims deliveries for the free slots and starts them; returns their number."""
        free = PARALLEL - len(self.attempts)
        if free <= 0:
            return 0
        due = await self.queue.claim(
            free,
            each=PARALLEL_OF_ONE_WEBHOOK,
            busy=set(self.attempts.values()),
            hide_seconds=self.lease_seconds,
        )
        for one in due:
            attempt = asyncio.get_running_loop().create_task(self._deliver(one))
            self.attempts[attempt] = one.webhook_id
            attempt.add_done_callback(self._ended)
        return len(due)

    def _ended(self, attempt: asyncio.Task[None]) -> None:
        del self.attempts[attempt]
        self.signal.wake()  # a slot is free

    async def _deliver(self, due: DueDelivery) -> None:
        outcome = await _outcome(self.sender.send, due)
        if not outcome.is_delivered:
            log.info(
                "Attempt %d of webhook delivery %s to %s failed: %s",
                *(due.attempt, due.delivery_id, due.webhook_id),
                outcome.error or f"status {outcome.status}",
                extra={"action": "webhook"},
            )
        try:
            if (status := await self.queue.record(due, outcome)) is not None:
                self.count(status)
        except Exception as error:
            log.warning(
                "The outcome of webhook delivery %s was not recorded; it is sent again: %s",
                due.delivery_id,
                error,
            )


async def _outcome(send: Callable[[DueDelivery], Awaitable[Outcome]], due: DueDelivery) -> Outcome:
    try:
        return await send(due)
    except Exception as error:
        log.exception("Webhook delivery %s could not be sent", due.delivery_id)
        return Outcome(error=f"An unexpected {type(error).__name__}; the log has the cause.")
