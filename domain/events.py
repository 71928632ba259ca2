"""What happened to a job, in order: every move of one of its tasks, and its own."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import computed_field

from domain.errors import Failure
from domain.jobs import JobStatus, Record, Step, TaskStatus


class Event(Record):
    """A move from status `before` to `after`; None for a task that has just come.

    Without a `task_id` it is the job's own. `number` counts the events of the job, from 1 and
    without a gap, in the order in which they were committed. A task whose status stays has become
    searchable. `error` is why it failed, or why it waits for another attempt.
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
        """What happened, as `task_started` or `job_completed`."""
        who = "task" if self.task_id else "job"
        if self.before == self.after:
            return f"{who}_searchable"
        return f"{who}_{'started' if self.after == TaskStatus.RUNNING else self.after}"
