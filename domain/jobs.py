"""Jobs, tasks and steps: their states, the allowed transitions, and the arithmetic of progress.

A job is one request; a task is the work on one document of the job; a step is a checkpoint of a
task.
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
    QUEUED = "queued"  # waits for a worker or for the end of its backoff
    RUNNING = "running"  # a worker holds its lease
    COMPLETED = "completed"  # every chunk is searchable
    FAILED = "failed"  # it ended; `error` says why
    CANCELLED = "cancelled"  # cancelled by a request

    @property
    def is_final(self) -> bool:
        """Returns True if only a requested retry can change the status."""
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
        """Returns True if every task of the job has ended."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


class WaitFor(StrEnum):
    """The state of a job that a long poll waits for."""

    DONE = "done"  # the job has ended
    SEARCHABLE = "searchable"  # every paper is searchable or has ended


class Lane(StrEnum):
    INTERACTIVE = "interactive"  # single uploads; latency counts
    BULK = "bulk"  # folders; throughput counts
    OCR = "ocr"  # pages without a usable text layer, from both
    LAYOUT = "layout"  # tables and figures, from both


class Step(StrEnum):
    READ_TEXT = "read_text"  # text layer -> chunks -> vectors; makes the paper searchable
    OCR = "ocr"  # the pages that lack a usable text layer
    LAYOUT = "layout"  # tables and figures with their captions


@dataclass(frozen=True, slots=True)
class StepSpec:
    """What the service needs to know about a step.

    To add a step: add it to `Step` and `STEPS` here, its function to `extraction.steps.FUNCTIONS`,
    and its value to the CHECK constraint of `tasks.step` by a migration; a lane of its own also
    needs an entry in `Lane` and in the setting group `jobs`.
    """

    lane: Lane | None  # None: the lane of the upload
    weight: float  # share of a paper's processing time; an estimate that only smooths progress bars
    reads_scans: bool = False  # the step needs the lines that OCR read in an earlier step
    starts_programs: bool = False  # the sandbox lets the step start Tesseract


# In the order in which a task goes through them.
STEPS: Mapping[Step, StepSpec] = {
    Step.READ_TEXT: StepSpec(lane=None, weight=0.6),
    Step.OCR: StepSpec(lane=Lane.OCR, weight=0.25, starts_programs=True),
    Step.LAYOUT: StepSpec(lane=Lane.LAYOUT, weight=0.15, reads_scans=True),
}
FIRST_STEP = next(iter(STEPS))
LATER_STEPS = tuple(STEPS)[1:]
LANE_OF_STEP: Mapping[Step, Lane] = {step: spec.lane for step, spec in STEPS.items() if spec.lane}


class Record(BaseModel):
    """An immutable record, created from any object with the same attributes (as a database row)."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Counts(Record):
    """The number of tasks of a job in each state."""

    queued: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return self.queued + self.running + self.completed + self.failed + self.cancelled


class Phase(StrEnum):
    """What is done with an open paper in its step."""

    WAITING = "waiting"  # for a worker, or for the end of its backoff
    READING = "reading"  # of its pages
    EMBEDDING = "embedding"  # all pages are read; its passages are embedded and stored


class StepCounts(Record):
    """The number of open papers of a job in a step.

    `waiting` ones wait for a worker; of `embedding` ones all pages are read, and their passages are
    embedded and stored.
    """

    step: Step
    waiting: int = 0
    reading: int = 0
    embedding: int = 0


class Task(Record):
    """The work on one document. `lease_token` is the fencing token: each claim increments it, and
    a write with an older token is rejected.

    `lane` is the queue of the current `step`, which the tasks of a collection and `flow` (a job, or
    all single uploads) share with other flows (domain/fair_share.py). `urgent`: admitted to the
    interactive lane. `attempt` counts the claims of the current step. `isolate` runs the task in a
    batch of its own.
    """

    task_id: uuid.UUID
    job_id: str
    document_id: str
    collection: str
    version: int
    sha256: str
    filename: str
    lane: Lane
    flow: str = ""
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
    """One request, with the sums over its tasks; `shares_done` is the sum of `share_done`.

    `pages_done` are pages of the current steps, `pages_read` pages whose text layer is read.
    """

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
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    counts: Counts = Counts()
    steps: tuple[StepCounts, ...] = ()
    pages_done: int = 0
    pages_read: int = 0
    pages_total: int = 0
    chunks_done: int = 0
    shares_done: float = 0.0
    queue_position: int | None = None

    @property
    def has_open_failures(self) -> bool:
        """True if the job has ended with unacknowledged failures."""
        return has_open_failures(self.status, self.counts.failed, self.acknowledged_at)


class OnDuplicate(StrEnum):
    RETURN = "return"  # answer with the existing document
    REPROCESS = "reprocess"  # extract it again as a new version, published when complete
    REJECT = "reject"  # refuse the whole request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in the blob store that is to be admitted; the filename is only a label."""

    filename: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Admission:
    """The result of one upload; `duplicate_of` is the existing document with the same bytes."""

    job_id: str
    task_id: uuid.UUID
    document_id: str
    filename: str
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a task; None leaves a number unchanged.

    `searchable`: a part of the chunks is indexed, so that the document can be published.
    """

    pages_done: int | None = None
    pages_total: int | None = None
    chunks_done: int | None = None
    chunks_total: int | None = None
    searchable: bool | None = None

    @property
    def numbers(self) -> dict[str, int]:
        """Returns the known numbers by the names of the task's fields."""
        fields = ("pages_done", "pages_total", "chunks_done", "chunks_total")
        known = {name: getattr(self, name) for name in fields}
        return {name: value for name, value in known.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CitationKey:
    """The keys of a bibliography entry for matching; None where it has no such key."""

    ordinal: int
    doi: str | None = None
    arxiv_id: str | None = None
    title_key: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step found out about the document; `next_step` is None after the last step.

    The result of a step that found no text has no chunks; the document is not searchable yet.
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
        """Returns the values of the document's columns."""
        counted = ("pages", "chunks", "sections", "references", "tables", "figures")
        stated = ("title", "abstract", "doi", "arxiv_id", "year", "venue", "language")
        return {
            **{name: getattr(self, name) for name in counted},
            **{name: getattr(self.metadata, name) for name in stated},
            "arxiv_id": (self.metadata.arxiv_id or "").lower() or None,
            "authors": [asdict(author) for author in self.metadata.authors],
            "keywords": list(self.metadata.keywords),
            "title_key": self.title_key,
            "quality": dict(self.quality),
            "needs_review": self.needs_review,
            "artifact_key": self.artifact_key,
        }


TaskEnd = tuple[Task, StepResult]
"""A task whose step has ended, and the result."""


@dataclass(frozen=True, slots=True)
class CursorPage(Generic[T]):
    """The items of one page and the cursor of the next page; None on the last page."""

    items: list[T]
    next_cursor: str | None = None


def new_job_id() -> str:
    """Returns a new job id: `job_` and 16 hexadecimal digits (64 random bits)."""
    return f"job_{uuid.uuid4().hex[:16]}"


def job_status(counts: Counts, cut_short: JobStatus | None = None) -> JobStatus:
    """Returns the state of a job with these task counts; a job without tasks is completed.

    `cut_short`: the state of a job without completed papers, `FAILED` or `CANCELLED`, if not all
    of its files could be admitted; it never counts as completed then.
    """
    if counts.queued + counts.running:
        started = counts.total > counts.queued
        return JobStatus.RUNNING if started else JobStatus.QUEUED
    if counts.completed == counts.total and cut_short is None:
        return JobStatus.COMPLETED
    if counts.completed:
        return JobStatus.PARTIAL
    return JobStatus.FAILED if counts.failed else cut_short or JobStatus.CANCELLED


def has_open_failures(status: JobStatus, failed: int, acknowledged_at: datetime | None) -> bool:
    """True if a job has ended with unacknowledged failures."""
    return status.is_final and failed > 0 and acknowledged_at is None


READING_WEIGHT = 0.2  # share of the first step that goes by pages; the rest goes by chunks


def weight_before(step: Step) -> float:
    """Returns the sum of the weights of all steps before `step`."""
    steps = tuple(STEPS)
    return sum(STEPS[earlier].weight for earlier in steps[: steps.index(step)])


def share_done(task: Task) -> float:
    """Returns the finished share of the task, 0 to 1. It never decreases at a change of step."""
    if task.status.is_final:
        return 1.0
    share = min(1.0, task.pages_done / task.pages_total) if task.pages_total else 0.0
    if task.step is FIRST_STEP:
        embedded = task.chunks_done / task.chunks_total if task.chunks_total else 0.0
        share = READING_WEIGHT * share + (1 - READING_WEIGHT) * min(1.0, embedded)
    return weight_before(task.step) + STEPS[task.step].weight * share


def fraction_done(counts: Counts, shares: float) -> float:
    """Returns the finished share of the job, 0 to 1. `shares`: the sum of `share_done`."""
    ended = counts.completed + counts.failed + counts.cancelled
    if ended == counts.total:
        return 1.0
    return round(min(0.99, shares / counts.total), 4)


def backoff_seconds(attempt: int, base: float = 2.0, cap: float = 300.0) -> float:
    """Returns the seconds before the next attempt: min(cap, base * 2^(attempt-1)) times 0.5 to 1.0.

    "Full jitter" halved, so that a wait is never near zero (M. Brooker, AWS Architecture Blog,
    2015).
    """
    doublings = min(max(0, attempt - 1), 60)  # a larger power of two overflows a float in the end
    return min(cap, base * 2.0**doublings) * random.uniform(0.5, 1.0)
