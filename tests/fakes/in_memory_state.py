"""What the in-memory stores share: collections, documents, jobs and tasks in dictionaries."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from domain.deletions import StoreDeletion, VersionRange
from domain.documents import Document, DocumentStatus
from domain.errors import Expired, NotFound
from domain.events import Event
from domain.jobs import CitationKey, Counts, CursorPage, Job, Task, TaskStatus, job_status
from stores.postgres.cursors import decode_cursor, encode_cursor

Item = TypeVar("Item")


def utc_now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class DocumentEntry:
    """A document and what only the stores need to know of it."""

    document: Document
    latest_version: int = 1
    artifact_key: str | None = None
    title_key: str | None = None
    cited: tuple[CitationKey, ...] = ()

    def set(self, **values: Any) -> None:
        """Replaces the document by one with these values."""
        self.document = self.document.model_copy(update=values)

    def start_over(self, filename: str) -> None:
        """A document that could not be searched begins anew, as a new version."""
        self.latest_version += 1
        self.empty(DocumentStatus.PROCESSING)
        self.set(filename=filename, version=self.latest_version)

    def empty(self, status: DocumentStatus) -> None:
        """Nothing is known of the document any more but its file."""
        self.artifact_key, self.title_key, self.cited = None, None, ()
        kept = ("document_id", "collection", "sha256", "filename", "bytes", "version", "created_at")
        fields = {name: getattr(self.document, name) for name in kept}
        self.document = Document(**fields, status=status)


@dataclass(slots=True)
class State:
    """Everything that is known. Tasks are in the order in which they were admitted."""

    clock: Callable[[], datetime] = utc_now
    collections: dict[str, datetime] = field(default_factory=dict)
    entries: dict[str, DocumentEntry] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    admitting_until: dict[str, datetime] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)
    tasks: dict[uuid.UUID, Task] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    deleted_collections: set[str] = field(default_factory=set)
    deletions: dict[int, tuple[StoreDeletion, datetime]] = field(default_factory=dict)
    deletions_made: int = 0
    request_digests: dict[str, str] = field(default_factory=dict)

    def tasks_of(self, job_id: str) -> list[Task]:
        """The tasks of the job, in the order in which they were asked for."""
        return [task for task in self.tasks.values() if task.job_id == job_id]

    def set_task(self, task: Task, **values: Any) -> Task:
        """The task with these values, kept from now on."""
        changed = task.model_copy(update=values)
        self._note_task(self.tasks.get(task.task_id), changed)
        self.tasks[task.task_id] = changed
        return changed

    def _note_task(self, was: Task | None, task: Task) -> None:
        found = was is not None and task.searchable_at and not was.searchable_at
        if was is not None and was.status == task.status and not found:
            return
        self._note(
            task.job_id,
            task_id=task.task_id,
            before=was.status if was else None,
            after=task.status,
            step=task.step,
            attempt=task.attempt,
            searchable=task.searchable_at is not None,
            error=task.error,
        )

    def _note(self, job_id: str, **what: Any) -> None:
        log = self.events.setdefault(job_id, [])
        log.append(Event(job_id=job_id, number=len(log) + 1, at=self.clock(), **what))

    def enqueue_deletion(
        self, document_id: str, first: int, last: int, sha256: str | None = None
    ) -> None:
        """These versions are to be erased from the other stores, the PDF too if it is named."""
        self.deletions_made += 1
        versions = VersionRange(document_id, first, last)
        made = StoreDeletion(self.deletions_made, versions, sha256)
        self.deletions[made.deletion_id] = made, self.clock()

    def enqueue_if_unused(self, document_id: str, version: int) -> bool:
        """True when nobody shows or awaits that version: it is to be erased."""
        entry = self.entries.get(document_id)
        is_ready = entry is not None and entry.document.status == DocumentStatus.READY
        shown = is_ready and entry is not None and entry.document.version == version
        mine = [task for task in self.tasks.values() if task.document_id == document_id]
        if shown or any(task.version == version for task in filter(is_open, mine)):
            return False
        self.enqueue_deletion(document_id, version, version)
        return True

    def cancel_task(self, task: Task) -> None:
        """The task ended now because somebody asked for it."""
        ended = {"lease_expires_at": None, "finished_at": self.clock()}
        self.set_task(task, status=TaskStatus.CANCELLED, **ended)

    def check_known(self, job_id: str) -> None:
        """Raises NotFound, Expired."""
        if job_id in self.purged:
            raise Expired
        if job_id not in self.jobs:
            raise NotFound(f"There is no job {job_id}.")

    def set_job(self, job_id: str, **values: Any) -> None:
        """Replaces the job by one with these values."""
        job, now = self.jobs[job_id], self.jobs[job_id].model_copy(update=values)
        if job.status != now.status:
            self._note(job_id, before=job.status, after=now.status)
        self.jobs[job_id] = now

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
        entry = self.entries.get(document_id)
        here = (DocumentStatus.READY, DocumentStatus.PROCESSING)
        return entry is not None and entry.document.status in here


def is_open(task: Task) -> bool:
    """True when the task has not ended."""
    return task.status in (TaskStatus.QUEUED, TaskStatus.RUNNING)


def counts_of(tasks: list[Task]) -> Counts:
    """How many of the tasks are in each state."""
    return Counts(**Counter(str(task.status) for task in tasks))


def page_of(
    found: list[tuple[datetime, str, Item]], cursor: str | None, limit: int, names: re.Pattern[str]
) -> CursorPage[Item]:
    """One page, newest first, of items with their time and id."""
    found.sort(key=lambda one: one[:2], reverse=True)
    if cursor:
        place = decode_cursor(cursor, names)
        found = [one for one in found if one[:2] < place]
    items = [item for _, _, item in found[:limit]]
    if len(found) <= limit:
        return CursorPage(items)
    time, name, _ = found[limit - 1]
    return CursorPage(items, encode_cursor(time, name))
