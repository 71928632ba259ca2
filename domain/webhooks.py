"""Webhooks: signed HTTP requests that report the end of a job (https://www.standardwebhooks.com).

A delivery is one message to one webhook. It is sent until the endpoint answers 2xx or the retries
are used up, so an endpoint can receive it more than once, under the same `webhook-id`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, Field, computed_field

from domain.jobs import Record

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"
MAX_WEBHOOKS = 100
JITTER = 0.1
MAX_RETRY_AFTER_SECONDS = 24 * 3600
MAX_DATE_CHARACTERS = 40  # an HTTP date has 29 or 30
PING = "ping"


class WebhookEvent(StrEnum):
    """The final states of a job, by the names of their events (domain/events.py)."""

    COMPLETED = "job_completed"
    PARTIAL = "job_partial"
    FAILED = "job_failed"
    CANCELLED = "job_cancelled"


class DeliveryStatus(StrEnum):
    PENDING = "pending"  # waits for its first or next attempt
    DELIVERED = "delivered"  # the endpoint answered 2xx
    ABANDONED = "abandoned"  # the retries are used up, or the endpoint answered 410


RECORD_SECONDS = 10.0  # to record the outcome of an attempt


class WebhookOptions(BaseModel, frozen=True):
    """Which addresses webhooks may have, and how deliveries are sent and kept."""

    allow_private_addresses: bool = Field(
        default=False,
        description="Allow webhooks with http:// URLs and with loopback, private and other "
        "addresses that are not public. Every admin key can then send requests into the network of "
        "the service.",
    )
    timeout_seconds: float = Field(
        default=10,
        gt=0,
        le=60,
        description="Maximum seconds of one attempt, from the lookup of the host to the status of "
        "the response.",
    )
    retry_seconds: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        default=(5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600),
        description="Seconds between the attempts of a delivery, as a JSON list; longer if the "
        "endpoint asks for it with Retry-After, up to a day. After the last retry the delivery is "
        "abandoned.",
    )
    keep_deliveries_days: float = Field(
        default=30,
        ge=1,
        description="Days that delivered and abandoned deliveries stay in the log.",
    )

    @property
    def lease_seconds(self) -> float:
        """Returns the seconds after which an attempt without an outcome is repeated."""
        return self.timeout_seconds + RECORD_SECONDS


class Webhook(Record):
    """A registered endpoint, without its secret. `collections` None: all.

    A webhook with a `disabled_at` gets no deliveries.
    """

    webhook_id: str
    url: str
    collections: tuple[str, ...] | None = None
    events: tuple[WebhookEvent, ...]
    created_by: str
    created_at: datetime
    disabled_at: datetime | None = None
    disabled_reason: str | None = None


class Delivery(Record):
    """A message in the delivery log. `last_status` is the HTTP status of the last attempt."""

    delivery_id: str
    webhook_id: str
    event: str
    job_id: str | None = None
    collection: str | None = None
    payload: dict[str, Any]
    created_at: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_attempt_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    delivered_at: datetime | None = None
    abandoned_at: datetime | None = None

    @computed_field
    @property
    def status(self) -> DeliveryStatus:
        """Returns whether the delivery is pending, delivered or abandoned."""
        if self.delivered_at is not None:
            return DeliveryStatus.DELIVERED
        return DeliveryStatus.ABANDONED if self.abandoned_at else DeliveryStatus.PENDING


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A claimed delivery; `attempt` counts from 1 and rejects the results of older claims."""

    delivery_id: str
    webhook_id: str
    attempt: int
    payload: dict[str, Any]
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt: the HTTP status, or the reason why there is none.

    `retry_after`: the seconds that the endpoint asks the service to wait, 0 if it does not.
    """

    status: int | None = None
    error: str | None = None
    retry_after: float = 0

    @property
    def is_delivered(self) -> bool:
        """True for a 2xx status."""
        return self.status is not None and HTTPStatus.OK <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """True if the endpoint wants no more deliveries."""
        return self.status == HTTPStatus.GONE


def new_webhook_id() -> str:
    """Returns a new webhook id: `wh_` and 16 hexadecimal digits."""
    return f"wh_{secrets.token_hex(8)}"


def new_delivery_id() -> str:
    """Returns a new delivery id: `whd_` and 32 hexadecimal digits, as the trigger makes them."""
    return f"whd_{uuid.uuid4().hex}"


def new_secret() -> str:
    """Returns a random signing secret: `whsec_` and the base64 form of SECRET_BYTES bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """Returns the value of `webhook-signature`: `v1,` and the base64 form of the HMAC-SHA256 of
    `id.timestamp.body`. `timestamp`: seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def retry_delay(attempt: int, delays: Sequence[float], at_least: float = 0) -> float | None:
    """Returns the seconds before the attempt after `attempt`, with jitter; None after the last."""
    if attempt > len(delays):
        return None
    return max(at_least, delays[attempt - 1] * random.uniform(1 - JITTER, 1 + JITTER))


def retry_after(header: str, now: float) -> float:
    """Returns the seconds that a Retry-After header asks to wait, at most MAX_RETRY_AFTER_SECONDS.

    The header is a number of seconds or a date (RFC 9110, 10.2.3); 0 if it is neither, or past.
    `now`: seconds since 1970.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0")
        seconds = float(digits or 0) if len(digits) < 10 else MAX_RETRY_AFTER_SECONDS
    else:
        seconds = _seconds_until(text, now)
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(date: str, now: float) -> float:
    """Returns the seconds until the HTTP date; 0 if it is none."""
    if len(date) > MAX_DATE_CHARACTERS:
        return 0
    try:
        parsed = parsedate_to_datetime(date)
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
