"""What the in-memory stores share: collections, documents, jobs and tasks in dictionaries."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from domain.documents import Document, DocumentStatus
from domain.jobs import Cited, Counts, Job, Task, TaskStatus, job_status


def utc_now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Shelf:
    """A document and what only the stores need to know of it."""

    document: Document
    latest_version: int = 1
    artifact_key: str | None = None
    title_key: str | None = None
    cited: tuple[Cited, ...] = ()

    def set(self, **values: Any) -> None:
        """Replaces the document by one with these values."""
        self.document = self.document.model_copy(update=values)

    def start_over(self, filename: str) -> None:
        """A document that could not be searched begins anew, as a new version."""
        self.latest_version += 1
        self.artifact_key, self.title_key, self.cited = None, None, ()
        kept = self.document
        self.document = Document(
            document_id=kept.document_id,
            collection=kept.collection,
            sha256=kept.sha256,
            filename=filename,
            bytes=kept.bytes,
            version=self.latest_version,
            created_at=kept.created_at,
        )


@dataclass(slots=True)
class State:
    """Everything that is known. Tasks are in the order in which they were admitted."""

    clock: Callable[[], datetime] = utc_now
    collections: dict[str, datetime] = field(default_factory=dict)
    shelves: dict[str, Shelf] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    admitting_until: dict[str, datetime] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)
    tasks: dict[uuid.UUID, Task] = field(default_factory=dict)

    def tasks_of(self, job_id: str) -> list[Task]:
        """The tasks of the job, in the order in which they were asked for."""
        return [task for task in self.tasks.values() if task.job_id == job_id]

    def set_task(self, task: Task, **values: Any) -> Task:
        """The task with these values, kept from now on."""
        changed = task.model_copy(update=values)
        self.tasks[task.task_id] = changed
        return changed

    def set_job(self, job_id: str, **values: Any) -> None:
        """Replaces the job by one with these values."""
        self.jobs[job_id] = self.jobs[job_id].model_copy(update=values)

    def close_if_done(self, job_id: str) -> bool:
        """True when the job ends here: none of its tasks is open, and it waits for no more."""
        now, until = self.clock(), self.admitting_until.get(job_id)
        counts = counts_of(self.tasks_of(job_id))
        is_open = counts.queued + counts.running or (until is not None and until > now)
        if is_open or self.jobs[job_id].finished_at is not None:
            return False
        self.set_job(job_id, status=job_status(counts), finished_at=now)
        return True

    def is_here(self, document_id: str) -> bool:
        """True when the document is searchable or on its way there."""
        shelf = self.shelves.get(document_id)
        here = (DocumentStatus.READY, DocumentStatus.PROCESSING)
        return shelf is not None and shelf.document.status in here


def is_open(task: Task) -> bool:
    """True when the task has not ended."""
    return task.status in (TaskStatus.QUEUED, TaskStatus.RUNNING)


def counts_of(tasks: list[Task]) -> Counts:
    """How many of the tasks are in each state."""
    return Counts(**Counter(str(task.status) for task in tasks))
