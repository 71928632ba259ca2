"""The shapes on the wire: what the API answers and what the clients get back.

Fields may be added, never renamed. Times are RFC 3339 in UTC; boxes are in PDF points (1/72 inch)
from the top left of the page as shown; pages count from 1.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from domain.documents import ChunkKind, DocumentStatus
from domain.jobs import JobStatus, Step, TaskStatus
from domain.search import SearchMode

T = TypeVar("T")
CHECK_OK = "ok"  # what a check says when there is nothing to say

Time = Annotated[
    datetime, AfterValidator(lambda t: t.astimezone(UTC) if t.tzinfo else t.replace(tzinfo=UTC))
]


class Wire(BaseModel):
    """A shape that later versions may add fields to."""

    model_config = ConfigDict(extra="ignore")


class Listed(Wire, Generic[T]):
    """A page of a list; pass `next_cursor` as `cursor` for the next one, it is null at the end."""

    items: list[T]
    next_cursor: str | None = None


class TaskError(Wire):
    """Why a task or its last attempt failed: a stable code and a message that is safe to show."""

    code: str
    category: str
    message: str
    retryable: bool
    page: int | None = None


class Counts(Wire):
    """How many tasks of a job are in each state."""

    total: int
    queued: int
    running: int
    completed: int
    failed: int
    cancelled: int


class JobProgress(Wire):
    """How far a job is; `eta_seconds` is null while there is nothing to reckon from."""

    fraction: float
    step: Step | None = None
    pages_done: int
    pages_total: int
    chunks_done: int
    eta_seconds: float | None = None
    eta_basis: Literal["pages", "documents"] | None = None
    queue_position: int | None = None


class Task(Wire):
    """One document's work in a job."""

    task_id: uuid.UUID
    document_id: str
    filename: str
    status: TaskStatus
    step: Step
    attempt: int
    max_attempts: int
    pages_done: int
    pages_total: int | None = None
    chunks_done: int
    searchable_at: Time | None = None
    next_attempt_at: Time | None = None
    error: TaskError | None = None


class JobSummary(Wire):
    """A job without its tasks."""

    job_id: str
    kind: str
    status: JobStatus
    collection: str
    created_at: Time
    started_at: Time | None = None
    finished_at: Time | None = None
    expires_at: Time | None = None
    cancel_requested: bool = False
    counts: Counts
    progress: JobProgress


class Job(JobSummary):
    """A job with its first 100 tasks; `error` is that of the first one that failed."""

    tasks: list[Task]
    error: TaskError | None = None

    @property
    def is_final(self) -> bool:
        """True when nothing of the job is left to do."""
        return self.status.is_final


class CancelAccepted(Wire):
    """A job whose work ends; `cancelled` tasks were open."""

    success: Literal[True] = True
    message: str
    job_id: str
    cancelled: int
    status_endpoint: str


class RetryAccepted(Wire):
    """A job whose tasks that failed are queued again: `retried` of them."""

    success: Literal[True] = True
    message: str
    job_id: str
    retried: int
    status_endpoint: str


class IncompleteTask(Task):
    """A task that failed, or whose paper has pages that could not be read."""

    pages_failed: list[int]


class Event(Wire):
    """A move of a task, or of the job itself where `task_id` is null: from `before` to `after`.

    `number` counts the events of a job. `error` says why a task failed, or waits once more.
    """

    number: int
    name: str
    at: Time
    task_id: uuid.UUID | None = None
    before: TaskStatus | JobStatus | None = None
    after: TaskStatus | JobStatus
    step: Step | None = None
    attempt: int | None = None
    searchable: bool = False
    error: TaskError | None = None


class UploadAccepted(Wire):
    """A single upload that was accepted; the paper can be searched when its job is completed."""

    success: Literal[True] = True
    message: str
    job_id: str
    task_id: uuid.UUID
    filename: str
    status_endpoint: str
    document_id: str
    duplicate_of: str | None = None


class AcceptedFile(Wire):
    """A file that was accepted; `duplicate_of` names the document that had these bytes already."""

    task_id: uuid.UUID
    document_id: str
    filename: str
    duplicate_of: str | None = None


class RefusedFile(Wire):
    """A file that was not accepted, and why; nothing of it was kept."""

    filename: str
    code: str
    detail: str


class UploadsAccepted(Wire):
    """One job for all accepted files of a request, and the files that were refused."""

    job_id: str
    status_endpoint: str
    accepted: list[AcceptedFile]
    refused: list[RefusedFile]


class Author(Wire):
    """An author as printed."""

    name: str
    given: str | None = None
    family: str | None = None


class DocumentCounts(Wire):
    """What was found in a document; null as long as nobody has looked for it."""

    chunks: int
    sections: int
    tables: int | None = None
    figures: int | None = None
    references: int


class Document(Wire):
    """A paper in a collection. `version` is the one that searches show.

    What the paper does not say of itself is null or empty. `needs_review` is true for a paper that
    could not be read well; `quality.reasons` says why.
    """

    document_id: str
    collection: str
    filename: str
    sha256: str
    bytes: int
    pages: int | None = None
    version: int
    status: DocumentStatus
    title: str | None = None
    authors: list[Author] = []
    abstract: str | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    year: int | None = None
    language: str | None = None
    keywords: list[str] = []
    counts: DocumentCounts
    quality: dict[str, Any] = {}
    needs_review: bool = False
    created_at: Time
    searchable_at: Time | None = None


class Collection(Wire):
    """A named set of documents; it is made by its first upload."""

    name: str
    documents: int
    created_at: Time


class Collections(Wire):
    """Every collection, by name."""

    items: list[Collection]


class Rectangle(Wire):
    """A rectangle on a page, in points from the top left of the page as shown."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


class Chunk(Wire):
    """A passage of a document."""

    chunk_id: str
    document_id: str
    filename: str
    title: str | None = None
    collection: str
    kind: ChunkKind
    section: str | None = None
    page_first: int
    page_last: int
    boxes: list[Rectangle]
    text: str
    ordinal: int


class Highlight(Wire):
    """A range of characters of the text, `end` excluded, that matches a word of the query."""

    start: int
    end: int


class Hit(Chunk):
    """A passage that answers a query: `score` orders the hits, `scores` has what each side gave."""

    score: float
    scores: dict[str, float]
    highlights: list[Highlight]


class SearchResult(Wire):
    """Hits, best first. `total_candidates` counts the passages that were ranked to find them."""

    hits: list[Hit]
    mode: SearchMode
    took_ms: float
    total_candidates: int


class FieldProblem(Wire):
    """A field of the request that cannot be used, and why."""

    field: str
    message: str


class Problem(Wire):
    """RFC 9457: what went wrong, what was kept, what to do; `code` is stable."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None = None
    retry_after_seconds: int | None = None
    errors: list[FieldProblem] | None = None
    errors_left_out: int | None = None
    refused: list[RefusedFile] | None = None
    checks: dict[str, str] | None = None


class Alive(Wire):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(Wire):
    """Every part that the service depends on works."""

    status: Literal["ready"] = "ready"
    checks: dict[str, str]
