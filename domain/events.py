"""The event log of a job: every state transition of the job and of its tasks, in order."""

from __future__ import annotations

import uuid
from datetime import datetime

from domain.errors import Failure
from domain.jobs import JobStatus, Record, Step, TaskStatus


class Event(Record):
    """A transition from status `before` (None for a new task) to `after`.

    Without a `task_id` it is a transition of the job. `number` counts the events of the job from 1,
    without gaps, in commit order. An event of a task with an unchanged status means that the task
    became searchable. `error` is the cause of a failure or of a retry.
    """

    job_id: str
    number: int
    at: datetime
    task_id: uuid.UUID | None = None
    before: TaskStatus | JobStatus | None = None
    after: TaskStatus | JobStatus
    step: Step | None = None
    attempt: int | None = None
    searchable: bool = False
    error: Failure | None = None

    @property
    def name(self) -> str:
        """Returns the event type, such as `task_started` or `job_completed`."""
        subject = "task" if self.task_id else "job"
        if self.before == self.after:
            return f"{subject}_searchable"
        return f"{subject}_{'started' if self.after == TaskStatus.RUNNING else self.after}"
