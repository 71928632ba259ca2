"""An in-memory fake of `stores.postgres.event_log.EventLog`."""

from __future__ import annotations

from collections.abc import Sequence

from domain.events import Event, FeedEvent, FeedPosition
from tests.fakes.in_memory_state import State


class InMemoryEventLog:
    """Reads the events of jobs."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def after(self, job_id: str, number: int = 0, limit: int = 500) -> Sequence[Event]:
        """Like `EventLog.after`."""
        return self.state.events.get(job_id, [])[number : number + limit]

    async def newest(
        self, job_id: str, before: int | None = None, limit: int = 500
    ) -> Sequence[Event]:
        """Like `EventLog.newest`."""
        events = self.state.events.get(job_id, [])
        return events[: None if before is None else before - 1][::-1][:limit]


class InMemoryEventFeed:
    """A fake of `stores.postgres.event_feed.EventFeed`: every event is a transaction of its own."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def now(self) -> FeedPosition:
        """Like `EventFeed.now`."""
        return FeedPosition(len(self._events()) + 1, "", 0)

    async def after(
        self, collection: str, position: FeedPosition, limit: int = 500
    ) -> Sequence[FeedEvent]:
        """Like `EventFeed.after`."""
        jobs = self.state.jobs
        key = (position.transaction_id, position.job_id, position.number)
        found = [
            event
            for event in self._events()
            if jobs[event.job_id].collection == collection
            and (event.transaction_id, event.job_id, event.number) > key
        ]
        return found[:limit]

    def _events(self) -> list[FeedEvent]:
        logs = self.state.events.items()
        rows = [(event.at, job_id, event.number, event) for job_id, log in logs for event in log]
        rows.sort(key=lambda row: row[:3])
        return [
            FeedEvent(**event.model_dump(exclude={"name"}), job_id=job_id, transaction_id=index)
            for index, (_, job_id, _, event) in enumerate(rows, 1)
        ]
