"""The event log of a job: every state transition of the job and of its tasks, in order."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from pydantic import computed_field

from domain.errors import Failure, InvalidRequest
from domain.jobs import JobStatus, Record, Step, TaskStatus

FEED_POSITION = re.compile(r"^([0-9]{1,18})\.(job_[0-9a-f]{16})?\.([0-9]{1,9})$")


@dataclass(frozen=True, slots=True, order=True)
class FeedPosition:
    """A place in the event feed of a collection, directly behind this event of this job."""

    transaction_id: int
    job_id: str
    number: int

    @classmethod
    def parse(cls, text: str) -> FeedPosition:
        """Returns the position that `str` wrote. Raises InvalidRequest."""
        found = FEED_POSITION.fullmatch(text)
        if found is None:
            raise InvalidRequest("The Last-Event-ID is invalid. Send the id of an event unchanged.")
        return cls(int(found[1]), found[2] or "", int(found[3]))

    def __str__(self) -> str:
        return f"{self.transaction_id}.{self.job_id}.{self.number}"


class Event(Record):
    """A transition from status `before` (None for a new task) to `after`.

    Without a `task_id` it is a transition of the job. `number` counts the events of the job from 1,
    without gaps, in commit order. An event of a task with an unchanged status means that the task
    became searchable. `error` is the cause of a failure or of a retry.
    """

    number: int
    at: datetime
    task_id: uuid.UUID | None = None
    before: TaskStatus | JobStatus | None = None
    after: TaskStatus | JobStatus
    step: Step | None = None
    attempt: int | None = None
    searchable: bool = False
    error: Failure | None = None

    @computed_field
    @property
    def name(self) -> str:
        """Returns the event type, such as `task_started` or `job_completed`."""
        subject = "task" if self.task_id else "job"
        if self.before == self.after:
            return f"{subject}_searchable"
        return f"{subject}_{'started' if self.after == TaskStatus.RUNNING else self.after}"


class FeedEvent(Event):
    """An event in the feed of a collection.

    Transactions of one job may overlap, so the feed may contain an event of a job before one with a
    lower number.
    """

    job_id: str
    transaction_id: int

    @property
    def position(self) -> FeedPosition:
        """The position directly behind this event."""
        return FeedPosition(self.transaction_id, self.job_id, self.number)
