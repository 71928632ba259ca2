"""The state that the in-memory fakes share: collections, documents, jobs and tasks."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from domain.deletions import StoreDeletion, VersionRange
from domain.documents import Document, DocumentStatus
from domain.duplicate_rule import applies
from domain.duplicates import Duplicates
from domain.errors import Expired, Failure, NotFound
from domain.events import Event
from domain.folder_jobs import FolderJob
from domain.job_steps import is_read, phase_of, step_counts
from domain.jobs import (
    CitationKey,
    Counts,
    CursorPage,
    Job,
    JobStatus,
    StepCounts,
    Task,
    TaskStatus,
    has_open_failures,
    job_status,
)
from domain.papers import Author
from domain.same_work import Work, WorkLinks, links_of
from stores.postgres.admission import LIVE_STATUSES
from stores.postgres.cursors import decode_cursor, encode_cursor

Item = TypeVar("Item")


def utc_now() -> datetime:
    """Returns the current time in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class DocumentEntry:
    """A document with the columns that only the stores use."""

    document: Document
    latest_version: int = 1
    artifact_key: str | None = None
    title_key: str | None = None
    cited: tuple[CitationKey, ...] = ()

    def set(self, **values: Any) -> None:
        """Replaces the document by a copy with these values."""
        self.document = self.document.model_copy(update=values)

    def set_columns(self, columns: Mapping[str, Any]) -> None:
        """Replaces these columns, with values as in PostgreSQL; `authors` are mappings there."""
        values = dict(columns)
        self.title_key = values.pop("title_key", self.title_key)
        if "authors" in values:
            values["authors"] = tuple(Author(**author) for author in values["authors"])
        self.set(**values)

    def start_over(self, filename: str) -> None:
        """Opens a new version of a document that is not searchable."""
        corrections = self.document.corrections
        self.latest_version += 1
        self.empty(DocumentStatus.PROCESSING)
        self.set(filename=filename, version=self.latest_version, corrections=corrections)

    def empty(self, status: DocumentStatus) -> None:
        """Resets everything but the document's identity, file and version."""
        self.artifact_key, self.title_key, self.cited = None, None, ()
        kept = ("document_id", "collection", "sha256", "filename", "bytes", "version", "created_at")
        fields = {name: getattr(self.document, name) for name in kept}
        self.document = Document(**fields, status=status)


@dataclass(slots=True)
class State:
    """The shared state of the fakes. Tasks are in the order of their admission."""

    clock: Callable[[], datetime] = utc_now
    collections: dict[str, datetime] = field(default_factory=dict)
    entries: dict[str, DocumentEntry] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    admitting_until: dict[str, datetime] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)
    tasks: dict[uuid.UUID, Task] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    deleted_collections: set[str] = field(default_factory=set)
    collection_settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    deletions: dict[int, tuple[StoreDeletion, datetime]] = field(default_factory=dict)
    deletions_made: int = 0
    request_digests: dict[str, str] = field(default_factory=dict)
    folders: dict[str, FolderJob] = field(default_factory=dict)

    def tasks_of(self, job_id: str) -> list[Task]:
        """Returns the tasks of the job in the order of their uploads."""
        return [task for task in self.tasks.values() if task.job_id == job_id]

    def set_task(self, task: Task, **values: Any) -> Task:
        """Stores and returns a copy of the task with these values; records the event."""
        changed = task.model_copy(update=values)
        self._record_task_event(self.tasks.get(task.task_id), changed)
        self.tasks[task.task_id] = changed
        return changed

    def _record_task_event(self, before: Task | None, task: Task) -> None:
        is_published = before is not None and task.searchable_at and not before.searchable_at
        if before is not None and before.status == task.status and not is_published:
            return
        self._record_event(
            task.job_id,
            task_id=task.task_id,
            before=before.status if before else None,
            after=task.status,
            step=task.step,
            attempt=task.attempt,
            searchable=task.searchable_at is not None,
            error=task.error,
        )

    def _record_event(self, job_id: str, **fields: Any) -> None:
        log = self.events.setdefault(job_id, [])
        log.append(Event(number=len(log) + 1, at=self.clock(), **fields))

    def enqueue_deletion(
        self, document_id: str, first: int, last: int, sha256: str | None = None
    ) -> None:
        """Enqueues the deletion of versions, and of the PDF if `sha256` is given."""
        self.deletions_made += 1
        versions = VersionRange(document_id, first, last)
        deletion = StoreDeletion(self.deletions_made, versions, sha256)
        self.deletions[deletion.deletion_id] = deletion, self.clock()

    def enqueue_if_unused(self, document_id: str, version: int) -> bool:
        """Like `stores.postgres.deletion_queue.enqueue_if_unused`."""
        entry = self.entries.get(document_id)
        is_ready = entry is not None and entry.document.status == DocumentStatus.READY
        is_searchable = is_ready and entry is not None and entry.document.version == version
        tasks = [task for task in self.tasks.values() if task.document_id == document_id]
        if is_searchable or any(task.version == version for task in filter(is_open, tasks)):
            return False
        self.enqueue_deletion(document_id, version, version)
        return True

    def cancel_task(self, task: Task, reason: Failure) -> None:
        """Marks the task as cancelled."""
        ended = {"lease_expires_at": None, "finished_at": self.clock(), "error": reason}
        self.set_task(task, status=TaskStatus.CANCELLED, **ended)

    def check_known(self, job_id: str) -> None:
        """Raises NotFound for an unknown job, Expired for a purged one."""
        if job_id in self.purged:
            raise Expired
        if job_id not in self.jobs:
            raise NotFound(f"There is no job {job_id}.")

    def set_job(self, job_id: str, **values: Any) -> None:
        """Replaces the job by a copy with these values; records a change of its status."""
        job, changed = self.jobs[job_id], self.jobs[job_id].model_copy(update=values)
        if job.status != changed.status:
            self._record_event(job_id, before=job.status, after=changed.status)
        self.jobs[job_id] = changed

    def close_if_done(self, job_id: str) -> bool:
        """Closes the job if no task is open and no upload is announced; True if closed."""
        now, until = self.clock(), self.admitting_until.get(job_id)
        counts = counts_of(self.tasks_of(job_id))
        is_open = counts.queued + counts.running or (until is not None and until > now)
        folder = self.folders.get(job_id)
        is_registering = folder is not None and folder.finished_at is None
        if is_open or is_registering or self.jobs[job_id].finished_at is not None:
            return False
        status = job_status(counts, _cut_short(self.jobs[job_id], folder))
        self.set_job(job_id, status=status, finished_at=now)
        return True

    def has_open_failures(self, job_id: str) -> bool:
        """True if the job is kept and has unacknowledged failures."""
        job, counts = self.jobs[job_id], counts_of(self.tasks_of(job_id))
        is_kept = job_id not in self.purged
        return is_kept and has_open_failures(job.status, counts.failed, job.acknowledged_at)

    def links(self, work: Work) -> WorkLinks:
        """Like `stores.postgres.work_links.find_links`."""
        ready = [entry.document for entry in self.entries.values() if entry.document.is_ready]
        return links_of(work, map(work_of, ready))

    def copies(self, work: Work) -> list[Document]:
        """Returns the searchable copies of the work, in order of id."""
        return [self.entries[name].document for name in self.links(work).same_work_as]

    def rule(self, task: Task) -> Duplicates:
        """Returns the rule on other files of a work that concerns the task."""
        settings = self.collection_settings.get(task.collection, {})
        rule = Duplicates(settings.get("duplicates", Duplicates.KEEP))
        return rule if applies(rule, self.jobs[task.job_id].kind) else Duplicates.KEEP

    def is_live(self, document_id: str) -> bool:
        """True if the document is searchable or being processed."""
        entry = self.entries.get(document_id)
        return entry is not None and entry.document.status in LIVE_STATUSES


def work_of(document: Document) -> Work:
    """Returns the work of the document."""
    return Work.of(document.document_id, document.collection, document)


def _cut_short(job: Job, folder: FolderJob | None) -> JobStatus | None:
    if folder is None or folder.error is None:
        return None
    return JobStatus.CANCELLED if job.cancel_requested else JobStatus.FAILED


def is_open(task: Task) -> bool:
    """True if the task has not ended."""
    return task.status in (TaskStatus.QUEUED, TaskStatus.RUNNING)


def counts_of(tasks: list[Task]) -> Counts:
    """Returns the number of tasks in each status."""
    return Counts(**Counter(str(task.status) for task in tasks))


def step_counts_of(tasks: list[Task]) -> tuple[StepCounts, ...]:
    """Returns the number of open tasks in each phase of each step."""
    phases = (phase_of(task.status, is_read=is_read(task)) for task in tasks)
    return step_counts(Counter(zip((task.step for task in tasks), phases, strict=True)))


def page_of(
    found: list[tuple[datetime, str, Item]], cursor: str | None, limit: int, names: re.Pattern[str]
) -> CursorPage[Item]:
    """Returns one page, newest first, of (time, id, item) tuples."""
    found.sort(key=lambda row: row[:2], reverse=True)
    if cursor:
        last = decode_cursor(cursor, names)
        found = [row for row in found if row[:2] < last]
    items = [item for _, _, item in found[:limit]]
    if len(found) <= limit:
        return CursorPage(items)
    time, name, _ = found[limit - 1]
    return CursorPage(items, encode_cursor(time, name))
