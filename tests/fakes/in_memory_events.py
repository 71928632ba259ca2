"""The twin of `stores.postgres.event_log.EventLog`, in dictionaries."""

from __future__ import annotations

from collections.abc import Sequence

from domain.events import Event
from tests.fakes.in_memory_state import State


class InMemoryEventLog:
    """Reads what happened to jobs, for as long as the process lives."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def after(self, job_id: str, number: int = 0, limit: int = 500) -> Sequence[Event]:
        """The events of the job that come after that number, in order; none for an unknown job."""
        return self.state.events.get(job_id, [])[number : number + limit]
