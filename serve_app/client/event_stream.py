"""Server-sent events on the side of the clients: the lines of a stream become events."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from serve_app.client import calls
from serve_app.client.calls import LATER_STATUSES, PaperworksProblem
from serve_app.schemas import core as schemas

CLOSED = "closed"  # the name of the event after which nothing more comes
PAUSE_SECONDS = 1.0  # before a stream that broke off is taken up again


@dataclass(slots=True)
class Listener:
    """Follows the events of a job over as many streams as it takes, each from where the last broke
    off; gives up after `retries` in a row that brought nothing."""

    job_id: str
    retries: int
    number: int = 0  # of the last event that was heard
    is_closed: bool = False
    breaks: int = 0

    @property
    def path(self) -> str:
        """Where the stream is."""
        return calls.job_path(self.job_id, "/events")

    @property
    def headers(self) -> dict[str, str]:
        """What to send to hear what comes next."""
        return {"Accept": "text/event-stream", "Last-Event-ID": str(self.number)}

    @property
    def pause_seconds(self) -> float:
        """How long to wait before the next stream; 0 when none is needed."""
        return 0.0 if self.is_closed else PAUSE_SECONDS

    def hear(self, line: str) -> schemas.Event | None:
        """The event that this line completes, if any; the service sends its data on one line."""
        field, _, value = line.partition(": ")
        if field == "event":
            self.is_closed = value == CLOSED
        if field != "data" or self.is_closed:
            return None
        event = schemas.Event.model_validate_json(value)
        self.number, self.breaks = event.number, 0
        return event

    def broke_off(self, error: httpx.TransportError | PaperworksProblem, url: httpx.URL) -> None:
        """Returns when another try is worth it. Raises PaperworksProblem, ServiceUnreachable."""
        self.breaks += 1
        is_ours = isinstance(error, PaperworksProblem)
        if self.breaks <= self.retries and not (is_ours and error.status not in LATER_STATUSES):
            return
        raise error if is_ours else calls.unreachable(url, error) from error
