"""When a request is retried, and how long a caller waits."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx

from serve_app.client.errors import ServiceUnreachable

FIRST_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0
DEFAULT_RETRY_AFTER_SECONDS = 2.0
RETRYABLE_STATUSES = (429, 503)  # the queue is full; a store or the service is unavailable

Attempt = httpx.Response | ServiceUnreachable


@dataclass(slots=True)
class RetryPolicy:
    """Decides whether one request is retried, and after which backoff.

    Retried are responses with status 429 or 503, after their Retry-After, and refused connections
    of a service that `has_answered` before: it is being restarted, which takes a few seconds. A
    connection that is refused before the first answer means a wrong address.
    """

    retries: int = 4
    has_answered: bool = False
    retries_used: int = 0

    def backoff_seconds(self, attempt: Attempt) -> float | None:
        """Returns the seconds to wait before the next attempt, None if `attempt` is final."""
        if not self._is_retryable(attempt) or self.retries_used >= self.retries:
            return None
        self.retries_used += 1
        if isinstance(attempt, ServiceUnreachable):
            return FIRST_BACKOFF_SECONDS * 2 ** (self.retries_used - 1)
        header = attempt.headers.get("retry-after", "")
        seconds = float(header) if header.isdecimal() else DEFAULT_RETRY_AFTER_SECONDS
        return min(seconds, MAX_BACKOFF_SECONDS)

    def _is_retryable(self, attempt: Attempt) -> bool:
        if isinstance(attempt, ServiceUnreachable):
            return self.has_answered and not attempt.was_sent
        self.has_answered = True
        return attempt.status_code in RETRYABLE_STATUSES


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point of the monotonic clock; None never passes."""

    at: float | None

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        return cls(None if seconds is None else time.monotonic() + seconds)

    @property
    def has_passed(self) -> bool:
        return self.at is not None and time.monotonic() >= self.at

    def cap(self, seconds: float) -> float:
        """Returns `seconds`, or the seconds left until the deadline if that is less."""
        return seconds if self.at is None else max(0.0, min(seconds, self.at - time.monotonic()))
