"""An in-memory fake of `stores.postgres.event_log.EventLog`."""

from __future__ import annotations

from collections.abc import Sequence

from domain.events import Event
from tests.fakes.in_memory_state import State


class InMemoryEventLog:
    """Reads the events of jobs."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def after(self, job_id: str, number: int = 0, limit: int = 500) -> Sequence[Event]:
        """Like `EventLog.after`."""
        return self.state.events.get(job_id, [])[number : number + limit]
