"""Jobs, tasks and steps: what their states mean, the allowed moves, the arithmetic of progress.

A job is what somebody asked for; a task is one document's work in it; a step is a checkpoint of
a task.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from domain.errors import Failure
from domain.papers import Metadata

T = TypeVar("T")


class TaskStatus(StrEnum):
    QUEUED = "queued"  # waits for a worker, or for its backoff to pass
    RUNNING = "running"  # a worker holds its lease
    COMPLETED = "completed"  # every chunk is searchable
    FAILED = "failed"  # it ended; `error` says why
    CANCELLED = "cancelled"  # somebody asked for it to stop

    @property
    def is_final(self) -> bool:
        """True when nothing moves the task any more, unless somebody asks for a retry."""
        return not MOVES[self]


MOVES: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    # Completed without work: the document became searchable while its duplicate waited.
    TaskStatus.QUEUED: frozenset({TaskStatus.RUNNING, TaskStatus.COMPLETED, TaskStatus.CANCELLED}),
    TaskStatus.RUNNING: frozenset(
        {TaskStatus.QUEUED, TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED}
    ),
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.CANCELLED: frozenset(),
}


class JobStatus(StrEnum):
    QUEUED = "queued"  # no task has started
    RUNNING = "running"  # at least one task has started, at least one is open
    COMPLETED = "completed"  # every task completed
    PARTIAL = "partial"  # every task ended, some completed and some did not
    FAILED = "failed"  # every task ended, none completed, at least one failed
    CANCELLED = "cancelled"  # every task ended, all cancelled

    @property
    def is_final(self) -> bool:
        """True when every task of the job has ended."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


class WaitFor(StrEnum):
    """What somebody waits for."""

    DONE = "done"  # the job has ended
    SEARCHABLE = "searchable"  # every paper of it can be found, or will never be


class Lane(StrEnum):
    INTERACTIVE = "interactive"  # single uploads: somebody is waiting
    BULK = "bulk"  # folders: throughput counts
    OCR = "ocr"  # pages without usable text, of either
    LAYOUT = "layout"  # tables and figures, of either


class Step(StrEnum):
    READ_TEXT = "read_text"  # text layer -> chunks -> vectors; makes the paper searchable
    OCR = "ocr"  # the pages that lack a usable text layer
    LAYOUT = "layout"  # tables, figures, and what belongs to them


LANE_OF_STEP: Mapping[Step, Lane] = {Step.OCR: Lane.OCR, Step.LAYOUT: Lane.LAYOUT}


class Record(BaseModel):
    """A row as the code sees it: immutable, made from any object with the same attributes."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Counts(Record):
    """How many tasks of a job are in each state."""

    queued: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return self.queued + self.running + self.completed + self.failed + self.cancelled


class Task(Record):
    """One document's work. `lease_token` fences every write: it grows by one with each claim.

    `lane` is where its current `step` waits; `urgent` ones, which came one by one, go first there.
    Attempts are those of the step.
    """

    task_id: uuid.UUID
    job_id: str
    document_id: str
    collection: str
    version: int
    sha256: str
    filename: str
    lane: Lane
    status: TaskStatus
    step: Step = Step.READ_TEXT
    attempt: int = 0
    max_attempts: int = 4
    isolate: bool = False
    urgent: bool = False
    lease_token: int = 0
    lease_expires_at: datetime | None = None
    next_attempt_at: datetime | None = None
    pages_done: int = 0
    pages_total: int | None = None
    chunks_done: int = 0
    chunks_total: int | None = None
    searchable_at: datetime | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: Failure | None = None


class Job(Record):
    """What somebody asked for, with the state of its tasks added up; see `share_done`."""

    job_id: str
    kind: str
    lane: Lane
    collection: str
    status: JobStatus
    cancel_requested: bool = False
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    counts: Counts = Counts()
    pages_done: int = 0
    pages_total: int = 0
    chunks_done: int = 0
    shares_done: float = 0.0
    queue_position: int | None = None


class OnDuplicate(StrEnum):
    RETURN = "return"  # answer with the document that is already here
    REPROCESS = "reprocess"  # read it again as a new version, shown when it is complete
    REJECT = "reject"  # refuse the whole request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in the blob store that waits to be admitted; the filename is only a label."""

    filename: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of one upload; `duplicate_of` names the document that already had these bytes."""

    job_id: str
    task_id: uuid.UUID
    document_id: str
    filename: str
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is; None leaves a number as it is.

    `searchable`: a part of the chunks is indexed, and the document may be shown from now on.
    """

    pages_done: int | None = None
    pages_total: int | None = None
    chunks_done: int | None = None
    chunks_total: int | None = None
    searchable: bool | None = None

    @property
    def numbers(self) -> dict[str, int]:
        """The numbers that are known, by the name of the task's field."""
        fields = ("pages_done", "pages_total", "chunks_done", "chunks_total")
        known = {name: getattr(self, name) for name in fields}
        return {name: value for name, value in known.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CitationKey:
    """What an entry of a bibliography can be matched by; each is None where it is not printed."""

    ordinal: int
    doi: str | None = None
    arxiv_id: str | None = None
    title_key: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a task knows of its document at the end of a step; `next_step` is None at the last.

    A step that found no text has no chunks: its document is not searchable yet.
    """

    metadata: Metadata
    pages: int
    chunks: int
    sections: int = 0
    references: int = 0
    tables: int | None = None
    figures: int | None = None
    title_key: str | None = None
    cited: tuple[CitationKey, ...] = ()
    quality: Mapping[str, Any] = field(default_factory=dict)
    needs_review: bool = False
    artifact_key: str | None = None
    next_step: Step | None = None

    @property
    def document_fields(self) -> dict[str, Any]:
        """The values of the document's fields."""
        counted = ("pages", "chunks", "sections", "references", "tables", "figures")
        said = ("title", "abstract", "doi", "arxiv_id", "year", "language")
        return {
            **{name: getattr(self, name) for name in counted},
            **{name: getattr(self.metadata, name) for name in said},
            "arxiv_id": (self.metadata.arxiv_id or "").lower() or None,
            "authors": [asdict(author) for author in self.metadata.authors],
            "keywords": list(self.metadata.keywords),
            "title_key": self.title_key,
            "quality": dict(self.quality),
            "needs_review": self.needs_review,
            "artifact_key": self.artifact_key,
        }


@dataclass(frozen=True, slots=True)
class CursorPage(Generic[T]):
    """Items of a list and the cursor of the next page, None at the end."""

    items: list[T]
    next_cursor: str | None = None


def new_job_id() -> str:
    """A fresh job id: `job_` and 16 hexadecimal digits, 64 random bits."""
    return f"job_{uuid.uuid4().hex[:16]}"


def job_status(counts: Counts) -> JobStatus:
    """The state of a job whose tasks add up to `counts`; a job without tasks is completed."""
    if counts.queued + counts.running:
        started = counts.total > counts.queued
        return JobStatus.RUNNING if started else JobStatus.QUEUED
    if counts.completed == counts.total:
        return JobStatus.COMPLETED
    if counts.completed:
        return JobStatus.PARTIAL
    return JobStatus.FAILED if counts.failed else JobStatus.CANCELLED


# What the steps take of a paper's time: where each begins, and how long it is. Of reading text most
# is embedding. Rough by nature: they only keep progress bars from jumping.
STEP_BEGINS: Mapping[Step, float] = {Step.READ_TEXT: 0.0, Step.OCR: 0.6, Step.LAYOUT: 0.85}
STEP_TAKES: Mapping[Step, float] = {Step.READ_TEXT: 0.6, Step.OCR: 0.25, Step.LAYOUT: 0.15}
READING_TAKES = 0.2  # of the first step; the rest goes by chunks


def share_done(task: Task) -> float:
    """Share of the task that is done, 0 to 1; it does not fall from one step to the next."""
    if task.status.is_final:
        return 1.0
    share = min(1.0, task.pages_done / task.pages_total) if task.pages_total else 0.0
    if task.step is Step.READ_TEXT:
        embedded = task.chunks_done / task.chunks_total if task.chunks_total else 0.0
        share = READING_TAKES * share + (1 - READING_TAKES) * min(1.0, embedded)
    return STEP_BEGINS[task.step] + STEP_TAKES[task.step] * share


def fraction_done(counts: Counts, shares: float) -> float:
    """Share of the job that is done, 0 to 1; `shares` are those of its tasks, added up."""
    ended = counts.completed + counts.failed + counts.cancelled
    if ended == counts.total:
        return 1.0
    return round(min(0.99, shares / counts.total), 4)


def backoff_seconds(attempt: int, base: float = 2.0, cap: float = 300.0) -> float:
    """Seconds before attempt `attempt + 1`: min(cap, base * 2^(attempt-1)), times 0.5 to 1.0.

    "Full jitter" halved, so that a wait is never near zero (M. Brooker, AWS Architecture Blog,
    2015).
    """
    doublings = min(max(0, attempt - 1), 60)  # a larger power of two overflows a float in the end
    return min(cap, base * 2.0**doublings) * random.uniform(0.5, 1.0)
