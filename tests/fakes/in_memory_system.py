"""In-memory fakes of `ActivityStore` and `SystemQueries`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.activity import MINUTES, Activity, Durations, Minute, RequestTimes, total
from domain.documents import DocumentStatus
from domain.jobs import Task, TaskStatus
from domain.system import LaneQueue, StoreTotals
from tests.fakes.in_memory_state import State, is_open, utc_now


class InMemoryActivityStore:
    """Keeps what processes write; counts tasks by their last end."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.times: dict[tuple[str, RequestTimes], RequestTimes] = {}

    async def write(self, process: str, times: Sequence[RequestTimes]) -> None:
        """Like `ActivityStore.write`."""
        for one in times:
            self.times[process, RequestTimes(one.at, one.activity, ())] = one

    async def last_hour(self) -> list[Minute]:
        """Like `ActivityStore.last_hour`."""
        now = utc_now().replace(second=0, microsecond=0)
        starts = [now - timedelta(minutes=ago) for ago in reversed(range(MINUTES))]
        minutes = [(at, at + timedelta(minutes=1)) for at in starts]
        ended = [task for task in self.state.tasks.values() if task.finished_at and task.started_at]
        return [
            self._minute(at, [one for one in ended if at <= (one.finished_at or at) < end])
            for at, end in minutes
        ]

    def _minute(self, at: datetime, tasks: list[Task]) -> Minute:
        def durations(activity: Activity) -> Durations:
            written = self.times.values()
            return total(one.counts for one in written if (one.at, one.activity) == (at, activity))

        done = [task for task in tasks if task.status is TaskStatus.COMPLETED]
        return Minute(
            at,
            completed=len(done),
            failed=sum(task.status is TaskStatus.FAILED for task in tasks),
            pages=sum(task.pages_total or 0 for task in done),
            searches=durations(Activity.SEARCH),
            uploads=durations(Activity.UPLOAD),
        )


class InMemorySystemQueries:
    """Counts open tasks and documents."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def lanes(self) -> dict[str, LaneQueue]:
        """Like `SystemQueries.lanes`."""
        tasks = list(filter(is_open, self.state.tasks.values()))
        return {
            lane: _queue([t for t in tasks if t.lane == lane]) for lane in {t.lane for t in tasks}
        }

    async def totals(self) -> StoreTotals:
        """Like `SystemQueries.totals`; an in-memory database has no size."""
        documents = [entry.document for entry in self.state.entries.values()]
        kept = [one for one in documents if one.status is not DocumentStatus.DELETED]
        return StoreTotals(
            papers=len(kept),
            pdf_bytes=sum(one.bytes for one in kept),
            passages=sum(one.chunks for one in kept if one.status is DocumentStatus.READY),
            deletions=len(self.state.deletions),
        )


def _queue(tasks: list[Task]) -> LaneQueue:
    queued = [task.created_at for task in tasks if task.status is TaskStatus.QUEUED]
    return LaneQueue(len(queued), len(tasks) - len(queued), min(queued, default=None))
