"""Parses server-sent events and decides when a broken event stream is reconnected."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from serve_app.client import requests
from serve_app.client.errors import PaperworksProblem, unreachable_from
from serve_app.client.retry import RETRYABLE_STATUSES
from serve_app.schemas import core as schemas

CLOSED = "closed"  # the event that ends a stream
RECONNECT_SECONDS = 1.0


@dataclass(slots=True)
class EventStream:
    """Follows the events of a job over one or more connections.

    Each connection resumes after the last event received. The stream fails after `retries`
    connections in a row without an event.
    """

    job_id: str
    retries: int
    last_number: int = 0  # of the last event received
    is_closed: bool = False
    failed_connections: int = 0

    @property
    def path(self) -> str:
        """URL path of the stream."""
        return requests.job_path(self.job_id, "/events")

    @property
    def headers(self) -> dict[str, str]:
        """Request headers; the service sends the events after Last-Event-ID."""
        return {"Accept": "text/event-stream", "Last-Event-ID": str(self.last_number)}

    @property
    def reconnect_seconds(self) -> float:
        """Seconds to wait before the next connection; 0 when none is needed."""
        return 0.0 if self.is_closed else RECONNECT_SECONDS

    def parse_line(self, line: str) -> schemas.Event | None:
        """Returns the event that this line completes, if any.

        The service sends the data of an event on one line.
        """
        field, _, value = line.partition(": ")
        if field == "event":
            self.is_closed = value == CLOSED
        if field != "data" or self.is_closed:
            return None
        event = schemas.Event.model_validate_json(value)
        self.last_number, self.failed_connections = event.number, 0
        return event

    def check_reconnect(
        self, error: httpx.TransportError | PaperworksProblem, url: httpx.URL
    ) -> None:
        """Returns if the stream may reconnect after `error`.

        Raises PaperworksProblem, ServiceUnreachable.
        """
        self.failed_connections += 1
        is_problem = isinstance(error, PaperworksProblem)
        is_permanent = is_problem and error.status not in RETRYABLE_STATUSES
        if self.failed_connections <= self.retries and not is_permanent:
            return
        raise error if is_problem else unreachable_from(url, error) from error
