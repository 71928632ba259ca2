"""Response schemas of the HTTP API, used by the server and by the clients.

Fields may be added, never renamed. Times are RFC 3339 in UTC. Boxes are in PDF points (1/72 inch)
from the top left corner of the displayed page. Pages count from 1. A schema that equals a domain
record is that record (Author) or inherits from it (Event).
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from domain.collection_names import name_of
from domain.documents import ChunkKind, DocumentStatus
from domain.duplicates import Duplicates
from domain.events import Event as EventRecord
from domain.jobs import JobStatus, Step, StepCounts, TaskStatus, has_open_failures
from domain.papers import Author
from domain.search import SearchMode

T = TypeVar("T")
CHECK_OK = "ok"  # status of a readiness check that passed
CLOSED = "closed"  # the event that ends an event stream
OPENED = "opened"  # the event that begins the stream of a collection

JobPath = Annotated[
    str, Field(description="The path of the job below `/api/v1`, for example `/jobs/job_…`.")
]
Time = Annotated[
    datetime, AfterValidator(lambda t: t.astimezone(UTC) if t.tzinfo else t.replace(tzinfo=UTC))
]

CollectionName = Annotated[str, PlainSerializer(name_of, return_type=str)]
"""The id of a collection, which is serialized as its present name."""


class Wire(BaseModel):
    """Base of the response schemas: ignores unknown fields, so later versions may add some.

    Is filled from the attributes of a domain record with `model_validate`.
    """

    model_config = ConfigDict(extra="ignore", from_attributes=True)


class Listed(Wire, Generic[T]):
    """A page of a list. Pass `next_cursor` as `cursor` to get the next page; null at the end."""

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
    """Number of tasks of a job in each state."""

    total: int
    queued: int
    running: int
    completed: int
    failed: int
    cancelled: int


class JobProgress(Wire):
    """Progress of a job. `eta_seconds` is null until there is data to estimate from.

    `steps` counts the papers in each step; papers that have ended are in `counts` of the job only.
    `pages_read` of the `pages_total` known pages have a read text layer, and `chunks_done` passages
    are embedded. `pages_done` counts the pages of a paper from 0 in each of its steps.
    """

    fraction: float
    step: Step | None = None
    steps: list[StepCounts] = []
    pages_done: int
    pages_read: int = 0
    pages_total: int
    chunks_done: int
    eta_seconds: float | None = None
    eta_basis: Literal["pages", "documents"] | None = None
    queue_position: int | None = None


class Task(Wire):
    """The processing of one document in a job.

    `same_work_as`: documents of the collection that are other files of the same work, once it
    is searchable; `same_work_title` is the title of the first of them.
    """

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
    same_work_as: list[str] = []
    same_work_title: str | None = None


class JobSummary(Wire):
    """A job without its tasks."""

    job_id: str
    kind: str
    status: JobStatus
    collection: CollectionName
    created_at: Time
    started_at: Time | None = None
    finished_at: Time | None = None
    expires_at: Time | None = None
    acknowledged_at: Time | None = None
    acknowledged_by: str | None = None
    cancel_requested: bool = False
    counts: Counts
    progress: JobProgress

    @property
    def has_open_failures(self) -> bool:
        """True if the job has ended with unacknowledged failures."""
        return has_open_failures(self.status, self.counts.failed, self.acknowledged_at)


class RefusedFile(Wire):
    """A rejected file and the reason. Nothing of it was kept."""

    filename: str
    code: str
    detail: str


class FolderRegistration(Wire):
    """The registration of a folder that the server reads.

    `registered` files are papers of the job; `known` of them were in the collection before. The
    first 100 of `refused_files` are listed in `refused`. `error` is the reason if the registration
    ended before all files were registered.
    """

    folder: str
    registered: int
    known: int
    refused_files: int
    refused: list[RefusedFile]
    finished_at: Time | None = None
    error: TaskError | None = None


class Job(JobSummary):
    """A job with its first 100 tasks. `error` is that of the registration of its folder, or of the
    first failed task. `folder` is null unless the server reads a folder for the job."""

    tasks: list[Task]
    folder: FolderRegistration | None = None
    error: TaskError | None = None

    @property
    def is_final(self) -> bool:
        """True if every task of the job has ended."""
        return self.status.is_final


class JobAccepted(Wire):
    """An accepted request that concerns a job."""

    success: Literal[True] = True
    message: str
    job_id: str


class CancelAccepted(JobAccepted):
    """A cancelled job. `cancelled` is the number of tasks that were open."""

    cancelled: int
    status_endpoint: JobPath


class FolderAccepted(JobAccepted):
    """An accepted folder. Its papers appear in the job as they are registered."""

    folder: str
    collection: CollectionName
    status_endpoint: JobPath


class RetryAccepted(JobAccepted):
    """A retried job. `retried` is the number of tasks that were queued again."""

    retried: int
    status_endpoint: JobPath


class Acknowledged(JobAccepted):
    """The acknowledged failures of a job. Null: the job has no failures."""

    acknowledged_at: Time | None = None
    acknowledged_by: str | None = None


class AllAcknowledged(Wire):
    """`acknowledged` is the number of jobs whose failures the request acknowledged."""

    acknowledged: int


class IncompleteTask(Task):
    """A failed task, or a task with unreadable pages."""

    pages_failed: list[int]


class Event(EventRecord, Wire):
    """A state change of a task, or of the job itself if `task_id` is null: `before` to `after`.

    `number` counts the events of a job. `error` is the reason of a failure or of a retry.
    `same_work_as` of a completed task: the other files of the same work that the collection has.
    """

    at: Time
    same_work_as: list[str] = []


class CollectionEvent(Event):
    """A state change of the job `job_id`, or of one of its tasks."""

    job_id: str


class UploadAccepted(JobAccepted):
    """An accepted upload of one file. The paper is searchable when its job is completed."""

    task_id: uuid.UUID
    filename: str
    status_endpoint: JobPath
    document_id: str
    duplicate_of: str | None = None


class AcceptedFile(Wire):
    """An accepted file. `duplicate_of` is the document that already has the same bytes."""

    task_id: uuid.UUID
    document_id: str
    filename: str
    duplicate_of: str | None = None


class UploadsAccepted(Wire):
    """The job of all accepted files of a request, and the rejected files."""

    job_id: str
    status_endpoint: JobPath
    accepted: list[AcceptedFile]
    refused: list[RefusedFile]


class DocumentCounts(Wire):
    """Number of extracted items. `tables` and `figures` are null until the layout step has run."""

    chunks: int
    sections: int
    tables: int | None = None
    figures: int | None = None
    references: int


class Document(Wire):
    """A paper in a collection. `version` is the active one: searches return no other.

    Metadata that the paper does not contain is null or empty. `needs_review` is true if the paper
    could not be read well; `quality.reasons` lists the reasons. `corrected` names the fields that a
    person has corrected. `same_work_as` are the documents of the collection that are other files of
    the same work, `related` those that are other versions of it, as a preprint.
    """

    document_id: str
    collection: CollectionName
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
    venue: str | None = None
    language: str | None = None
    keywords: list[str] = []
    counts: DocumentCounts
    quality: dict[str, Any] = {}
    needs_review: bool = False
    corrected: list[str] = []
    tags: list[str] = []
    same_work_as: list[str] = []
    related: list[str] = []
    created_at: Time
    searchable_at: Time | None = None


class Collection(Wire):
    """A named set of documents, created by its first upload or by itself.

    `collection_id` is its first name, which leads to it after it was renamed.
    `bytes` is the size of its PDFs. Uploads that exceed `max_papers` or `max_bytes` are refused;
    null: no limit. `duplicates`: whether it keeps several files of one work, keeps the `newest`
    upload alone, or refuses further files.
    """

    collection_id: str
    name: str
    documents: int
    created_at: Time
    bytes: int = 0
    description: str = ""
    max_papers: int | None = None
    max_bytes: int | None = None
    duplicates: Duplicates = Duplicates.KEEP


class Collections(Wire):
    """Every collection, by name."""

    items: list[Collection]


class Rectangle(Wire):
    """A bounding box on a page, in points from the top left corner of the displayed page."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


class Chunk(Wire):
    """A passage of a document, with the title, authors and year of the document."""

    chunk_id: str
    document_id: str
    filename: str
    title: str | None = None
    authors: list[Author] = []
    year: int | None = None
    collection: CollectionName
    kind: ChunkKind
    section: str | None = None
    page_first: int
    page_last: int
    boxes: list[Rectangle]
    text: str
    ordinal: int


class Highlight(Wire):
    """A character range of the text; `end` is exclusive."""

    start: int
    end: int


class HitExplanation(Wire):
    """Why a hit has its rank.

    `parts` are the summands of its score: in a hybrid search the cosine, stretched from the lowest
    candidate's to 1, and the BM25 score as a share of the best possible one, times `dense_weight`
    and 1 - `dense_weight`. Terms are stems.
    `rerank_score` is null for a hit that was not reranked.
    """

    parts: dict[str, float]
    dense_weight: float | None
    rerank_score: float | None = None
    terms_found: list[str]
    terms_missing: list[str]


class Hit(Chunk):
    """A passage that matches a query. Hits are ordered by `score`, named papers first; reranked
    hits by `scores.rerank` before all others.

    `named_by` is `doi`, `arxiv_id`, `title`, `filename`, `author` or `record` if the query names
    the paper, else null.
    `scores` contains the cosine of query and passage (dense) and the BM25 score (sparse); `sparse`
    is absent if the search by words did not return the passage. `relevance` is the estimated
    probability, 0 to 1, that the passage answers the query; null if the embedding model is not
    calibrated. `snippet` is the part of the text to show in a list. `explanation` is null unless
    the request has `explain`. `also_in` are other files of the same work with the same passage.
    """

    score: float
    scores: dict[str, float]
    relevance: float | None
    named_by: str | None = None
    highlights: list[Highlight]
    snippet: Highlight
    explanation: HitExplanation | None = None
    also_in: list[str] = []


class UnderstoodQuery(Wire):
    """What the query requires and excludes, and the words that a search by words ignores."""

    phrases: list[str]
    excluded: list[str]
    ignored: list[str]


class SearchResult(Wire):
    """Hits, best first.

    `total_candidates` is the number of passages that were ranked. `nothing_fits` is true if even
    the most relevant of them has a relevance below 0.1; null if the model is not calibrated.
    `next_cursor` is null on the last page. `understood` is null if there was no query. `reranked`
    is true if a reranker has ordered the best hits; `notes` are sentences on what a search lacks.
    """

    hits: list[Hit]
    nothing_fits: bool | None
    mode: SearchMode
    took_ms: float
    total_candidates: int
    next_cursor: str | None = None
    understood: UnderstoodQuery | None = None
    reranked: bool = False
    notes: list[str] = []


class FieldProblem(Wire):
    """An invalid field of the request, and the reason."""

    field: str
    message: str


class Problem(Wire):
    """RFC 9457 problem: what happened, what was kept, what to do next. `code` is stable."""

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
    process: int | None = None


class Alive(Wire):
    """The process is running."""

    status: Literal["alive"] = "alive"
    process: int


class Ready(Wire):
    """Every dependency of the service works."""

    status: Literal["ready"] = "ready"
    process: int
    checks: dict[str, str]
