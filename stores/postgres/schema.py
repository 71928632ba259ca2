"""SQLModel tables; the name of a class is that of its table unless it defines another.

States are text with a CHECK, so adding a state needs no table rewrite.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    TextClause,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import AutoString, Field, SQLModel

from domain.documents import DocumentStatus
from domain.duplicates import Duplicates
from domain.fair_share import SINGLE_UPLOADS
from domain.jobs import JobStatus, Lane, Step, TaskStatus

AUTHOR_WORDS = "to_tsvector('simple'::regconfig, fold_text(authors::text))"
"""The folded words of the authors, with their affiliations; an index has this expression."""
RECORD_WORDS = "record_words(title, authors, year, venue, doi, arxiv_id, filename)"
"""The folded words of title, authors, year, venue, identifiers, file name; an index has it."""
TITLE_DIGEST = "title_digest(title::text)"
"""The digest of the folded title, None for a short one; an index has this expression."""
AUTHOR_KEY = "author_key(authors)"
"""The folded name of the first author, family name first; an index has this expression."""
STATE_RANK = "state_rank(status::text)"
"""The place of the state in the order of documents by state; an index has this expression."""
_OPEN, _RUNNING = "status IN ('queued', 'running')", "status = 'running'"
_UNACKNOWLEDGED = (
    "status IN ('partial', 'failed') AND acknowledged_at IS NULL AND purged_at IS NULL"
)
_END = "before = 'running' AND after IN ('completed', 'failed') AND task_id IS NOT NULL"


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _partial_index(
    name: str, where: str, *columns: str | TextClause, unique: bool = False
) -> Index:
    return Index(name, *columns, unique=unique, postgresql_where=text(where))


def _timestamp() -> Any:
    return Column(DateTime(timezone=True))


def _stamped() -> Any:
    """Returns a column for the insert time, distinct for the rows of one statement."""
    stamp = text("clock_timestamp()")
    return Column(DateTime(timezone=True), nullable=False, server_default=stamp)


def _default(value: str | int, kind: Any = None) -> Any:
    """Returns a NOT NULL column with the server default `value`."""
    if isinstance(value, str):
        return Column(AutoString, nullable=False, server_default=text(f"'{value}'"))
    kind = kind or (Boolean if isinstance(value, bool) else Integer)
    return Column(kind, nullable=False, server_default=text(str(value).lower()))


def _json(value: str) -> Any:
    return Column(JSONB(), nullable=False, server_default=text(f"'{value}'"))


class Collections(SQLModel, table=True):
    """A named set of documents, created by its first upload.

    `name` is the id: the name at its creation. `display_name` is that of a renamed collection.
    A collection with a `deleted_at` exists only if it has documents. The quotas `max_papers` and
    `max_bytes` limit the documents that are not deleted. `duplicates`: what happens to an
    upload that is another file of a work.
    """

    __table_args__ = (
        _one_of("duplicates", Duplicates),
        Index("collections_by_display_name", "display_name", unique=True),
    )

    name: str = Field(primary_key=True)
    display_name: str | None = None
    created_at: datetime | None = Field(None, sa_column=_stamped())
    deleted_at: datetime | None = Field(None, sa_column=_timestamp())
    description: str = Field("", sa_column=_default(""))
    max_papers: int | None = None
    max_bytes: int | None = Field(None, sa_column=Column(BigInteger))
    duplicates: str = Field(Duplicates.KEEP, sa_column=_default(Duplicates.KEEP))


class Documents(SQLModel, table=True):
    """A paper in a collection. `version` is searchable, `latest_version` is the newest."""

    __table_args__ = (
        _one_of("status", DocumentStatus),
        Index("documents_by_collection", "collection", "created_at", "document_id"),
        Index("documents_by_time", "created_at", "document_id"),
        Index("documents_by_sha256", "sha256"),
        Index("documents_by_doi", "collection", "doi"),
        Index("documents_by_arxiv_id", "collection", "arxiv_id"),
        Index("documents_by_title", "collection", "title_key"),
        Index("documents_by_tag", "tags", postgresql_using="gin"),
        Index("documents_by_work", "collection", text(TITLE_DIGEST)),
        Index("documents_by_author", text(AUTHOR_WORDS), postgresql_using="gin"),
        Index("documents_by_record", text(RECORD_WORDS), postgresql_using="gin"),
        Index("documents_by_first_author", text(AUTHOR_KEY), "document_id"),
        Index("documents_by_state", text(STATE_RANK), "created_at", "document_id"),
        _partial_index(
            "documents_to_review", "needs_review", "collection", "created_at", "document_id"
        ),
    )

    document_id: str = Field(primary_key=True)
    collection: str = Field(foreign_key="collections.name")
    sha256: str
    filename: str
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    status: str = Field(DocumentStatus.PROCESSING, sa_column=_default(DocumentStatus.PROCESSING))
    version: int = Field(1, sa_column=_default(1))
    latest_version: int = Field(1, sa_column=_default(1))
    title: str | None = None
    title_key: str | None = None
    authors: list[Any] = Field([], sa_column=_json("[]"))
    abstract: str | None = None
    keywords: list[Any] = Field([], sa_column=_json("[]"))
    doi: str | None = None
    arxiv_id: str | None = None
    year: int | None = None
    venue: str | None = None
    language: str | None = None
    pages: int | None = None
    chunks: int = Field(0, sa_column=_default(0))
    sections: int = Field(0, sa_column=_default(0))
    references: int = Field(0, sa_column=_default(0))
    tables: int | None = None
    figures: int | None = None
    quality: dict[str, Any] = Field({}, sa_column=_json("{}"))
    needs_review: bool = Field(False, sa_column=_default(False))
    artifact_key: str | None = None
    corrections: dict[str, Any] = Field({}, sa_column=_json("{}"))
    tags: list[Any] = Field([], sa_column=_json("[]"))
    created_at: datetime | None = Field(None, sa_column=_stamped())
    searchable_at: datetime | None = Field(None, sa_column=_timestamp())
    deleted_at: datetime | None = Field(None, sa_column=_timestamp())


class Citations(SQLModel, table=True):
    """The keys by which a bibliography entry is matched with documents of the collection."""

    __table_args__ = (
        Index("citations_by_doi", "collection", "doi"),
        Index("citations_by_arxiv_id", "collection", "arxiv_id"),
        Index("citations_by_title", "collection", "title_key"),
    )

    document_id: str = Field(foreign_key="documents.document_id", primary_key=True)
    ordinal: int = Field(primary_key=True)
    collection: str
    doi: str | None = None
    arxiv_id: str | None = None
    title_key: str | None = None
    year: int | None = None


class Jobs(SQLModel, table=True):
    """A client request. `purged_at` marks a job whose tasks were deleted.

    The job stays open for further uploads until `admitting_until`. `events` is the number of the
    last event. `request_digest` is the digest of a request with an Idempotency-Key.
    `acknowledged_by`: who has seen the failures of the job.
    """

    __table_args__ = (
        _one_of("status", JobStatus),
        _one_of("lane", Lane),
        Index("jobs_by_time", "created_at", "job_id"),
        _partial_index("jobs_kept", "purged_at IS NULL", "finished_at"),
        _partial_index("jobs_open", _OPEN, "status"),
        _partial_index(
            "jobs_admitting",
            "admitting_until IS NOT NULL AND finished_at IS NULL",
            "admitting_until",
        ),
        _partial_index("jobs_unacknowledged", _UNACKNOWLEDGED, "created_at", "job_id"),
    )

    job_id: str = Field(primary_key=True)
    kind: str
    lane: str
    collection: str
    status: str = Field(JobStatus.QUEUED, sa_column=_default(JobStatus.QUEUED))
    cancel_requested: bool = Field(False, sa_column=_default(False))
    events: int = Field(0, sa_column=_default(0))
    request_digest: str | None = None
    created_at: datetime | None = Field(None, sa_column=_stamped())
    started_at: datetime | None = Field(None, sa_column=_timestamp())
    admitting_until: datetime | None = Field(None, sa_column=_timestamp())
    finished_at: datetime | None = Field(None, sa_column=_timestamp())
    purged_at: datetime | None = Field(None, sa_column=_timestamp())
    acknowledged_at: datetime | None = Field(None, sa_column=_timestamp())
    acknowledged_by: str | None = None


class Tasks(SQLModel, table=True):
    """The processing of a document. Writes require the current `lease_token` and status running."""

    __table_args__ = (
        _one_of("status", TaskStatus),
        _one_of("lane", Lane),
        _one_of("step", Step),
        _partial_index(
            "tasks_queued_by_flow",
            "status = 'queued'",
            *("lane", "collection", "flow", "created_at", "ordinal"),
        ),
        # Guarantees a single writer per document, even if two claims race.
        _partial_index("tasks_running_by_document", _RUNNING, "document_id", unique=True),
        _partial_index("tasks_running", _RUNNING, "lease_expires_at"),
        Index("tasks_by_job", "job_id", "ordinal"),
        _partial_index("tasks_open_by_job", _OPEN, "job_id"),
        _partial_index("tasks_open_by_collection", _OPEN, "collection"),
        _partial_index("tasks_open_by_document", _OPEN, "document_id"),
    )

    task_id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    job_id: str = Field(foreign_key="jobs.job_id")
    ordinal: int = Field(0, sa_column=_default(0))
    document_id: str = Field(foreign_key="documents.document_id")
    collection: str
    version: int
    sha256: str
    filename: str
    lane: str
    flow: str = Field(SINGLE_UPLOADS, sa_column=_default(SINGLE_UPLOADS))
    status: str = Field(TaskStatus.QUEUED, sa_column=_default(TaskStatus.QUEUED))
    step: str = Field(Step.READ_TEXT, sa_column=_default(Step.READ_TEXT))
    attempt: int = Field(0, sa_column=_default(0))
    max_attempts: int
    isolate: bool = Field(False, sa_column=_default(False))
    urgent: bool = Field(False, sa_column=_default(False))
    lease_token: int = Field(0, sa_column=_default(0, BigInteger))
    lease_expires_at: datetime | None = Field(None, sa_column=_timestamp())
    next_attempt_at: datetime | None = Field(None, sa_column=_stamped())
    worker: str | None = None
    pages_done: int = Field(0, sa_column=_default(0))
    pages_total: int | None = None
    chunks_done: int = Field(0, sa_column=_default(0))
    chunks_total: int | None = None
    progressed_at: datetime | None = Field(None, sa_column=_timestamp())
    searchable_at: datetime | None = Field(None, sa_column=_timestamp())
    created_at: datetime | None = Field(None, sa_column=_stamped())
    started_at: datetime | None = Field(None, sa_column=_timestamp())
    finished_at: datetime | None = Field(None, sa_column=_timestamp())
    error: dict[str, Any] | None = Field(None, sa_column=Column(JSONB(none_as_null=True)))


class Events(SQLModel, table=True):
    """A status change of a task or of the job itself, written by triggers (migration 0004)."""

    __tablename__ = "job_events"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        _partial_index(
            "job_events_by_transaction",
            "transaction_id IS NOT NULL",
            "transaction_id",
            "job_id",
            "number",
        ),
        _partial_index("job_events_ends", _END, "at"),
    )

    job_id: str = Field(foreign_key="jobs.job_id", primary_key=True)
    number: int = Field(primary_key=True)
    at: datetime | None = Field(None, sa_column=_stamped())
    task_id: uuid.UUID | None = None
    before: str | None = None
    after: str
    step: str | None = None
    attempt: int | None = None
    searchable: bool = Field(False, sa_column=_default(False))
    error: dict[str, Any] | None = Field(None, sa_column=Column(JSONB(none_as_null=True)))
    transaction_id: int | None = Field(
        None,
        sa_column=Column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint")),
    )


class Deletions(SQLModel, table=True):
    """Versions to delete from the vector store and the blob store, and a PDF if `sha256` is set."""

    __tablename__ = "store_deletions"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("store_deletions_due", "due_at"),)

    deletion_id: int | None = Field(
        None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    document_id: str
    from_version: int
    to_version: int
    sha256: str | None = None
    due_at: datetime | None = Field(None, sa_column=_stamped())
    created_at: datetime | None = Field(None, sa_column=_stamped())


class Library(SQLModel, table=True):
    """The library of this database. The only row is inserted by the migration.

    `milvus_name` is the alias of the Milvus collection, unless the settings override it.
    """

    __table_args__ = (CheckConstraint("singleton", name="library_is_one"),)

    singleton: bool = Field(
        True, sa_column=Column(Boolean, primary_key=True, server_default=text("true"))
    )
    library_id: uuid.UUID = Field(
        sa_column=Column(Uuid, nullable=False, server_default=text("gen_random_uuid()"))
    )
    milvus_name: str | None = None
    created_at: datetime | None = Field(None, sa_column=_stamped())


class ApiKeys(SQLModel, table=True):
    """An API key. `digest` is that of its secret; `collections` NULL means all."""

    __tablename__ = "api_keys"  # pyright: ignore[reportAssignmentType]

    key_id: str = Field(primary_key=True)
    name: str
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    scopes: list[Any] = Field(sa_column=Column(JSONB(), nullable=False))
    collections: list[Any] | None = Field(None, sa_column=Column(JSONB(none_as_null=True)))
    created_at: datetime | None = Field(None, sa_column=_stamped())
    expires_at: datetime | None = Field(None, sa_column=_timestamp())
    last_used_at: datetime | None = Field(None, sa_column=_timestamp())
    revoked_at: datetime | None = Field(None, sa_column=_timestamp())


class Sessions(SQLModel, table=True):
    """A web browser that signed in with a key. `digest` is that of the secret in its cookie."""

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    key_id: str = Field(foreign_key="api_keys.key_id")
    expires_at: datetime | None = Field(
        None, sa_column=Column(DateTime(timezone=True), nullable=False)
    )


class AuditLog(SQLModel, table=True):
    """An action and its actor (stores/postgres/audit_log.py)."""

    __tablename__ = "audit_log"  # pyright: ignore[reportAssignmentType]

    entry_id: int | None = Field(
        None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    at: datetime | None = Field(None, sa_column=_stamped())
    actor: str
    action: str
    subject: str
    collection: str | None = None
    details: dict[str, Any] = Field({}, sa_column=_json("{}"))


class RequestCounts(SQLModel, table=True):
    """The requests of a client in the minute that began at `window_start`. Not logged."""

    __tablename__ = "request_counts"  # pyright: ignore[reportAssignmentType]
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    client: str = Field(primary_key=True)
    window_start: datetime | None = Field(
        None, sa_column=Column(DateTime(timezone=True), nullable=False)
    )
    used: int


class RequestTimes(SQLModel, table=True):
    """How long the requests of one process and minute took: `counts` has one number for each of
    domain.activity.BOUNDS, and one above. Not logged."""

    __tablename__ = "request_times"  # pyright: ignore[reportAssignmentType]
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    minute: datetime | None = Field(
        None, sa_column=Column(DateTime(timezone=True), primary_key=True)
    )
    activity: str = Field(primary_key=True)
    process: str = Field(primary_key=True)
    counts: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))


class Webhooks(SQLModel, table=True):
    """An endpoint that is told the end of jobs. `collections` NULL means all."""

    webhook_id: str = Field(primary_key=True)
    url: str
    secret: str
    collections: list[Any] | None = Field(None, sa_column=Column(JSONB(none_as_null=True)))
    events: list[Any] = Field(sa_column=Column(JSONB(), nullable=False))
    created_by: str
    created_at: datetime | None = Field(None, sa_column=_stamped())
    disabled_at: datetime | None = Field(None, sa_column=_timestamp())
    disabled_reason: str | None = None


class WebhookDeliveries(SQLModel, table=True):
    """A message to a webhook, queued by a trigger when a job ends (migration 0016).

    It is pending until `delivered_at` or `abandoned_at` is set. `attempts` is its fencing token. No
    foreign key refers to the webhook: its check would lock the row while a job ends.
    """

    __tablename__ = "webhook_deliveries"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        _partial_index(
            "webhook_deliveries_due",
            "delivered_at IS NULL AND abandoned_at IS NULL",
            *("webhook_id", "next_attempt_at"),
        ),
        Index("webhook_deliveries_by_webhook", "webhook_id", "created_at", "delivery_id"),
        Index("webhook_deliveries_by_time", "created_at"),
    )

    delivery_id: str = Field(primary_key=True)
    webhook_id: str
    event: str
    job_id: str | None = None
    collection: str | None = None
    payload: dict[str, Any] = Field(sa_column=Column(JSONB(), nullable=False))
    created_at: datetime | None = Field(None, sa_column=_stamped())
    attempts: int = Field(0, sa_column=_default(0))
    next_attempt_at: datetime | None = Field(None, sa_column=_timestamp())
    last_attempt_at: datetime | None = Field(None, sa_column=_timestamp())
    last_status: int | None = None
    last_error: str | None = None
    delivered_at: datetime | None = Field(None, sa_column=_timestamp())
    abandoned_at: datetime | None = Field(None, sa_column=_timestamp())


class FolderJobs(SQLModel, table=True):
    """The registration of a folder that the server reads. Its job stays open until `finished_at`.

    `lease_token` is the fencing token of the JobManager that holds the lease.
    """

    __tablename__ = "folder_jobs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        _partial_index("folder_jobs_unfinished", "finished_at IS NULL", "created_at"),
    )

    job_id: str = Field(foreign_key="jobs.job_id", primary_key=True)
    folder: str
    collection: str
    actor: str
    created_at: datetime | None = Field(None, sa_column=_stamped())
    leased_until: datetime | None = Field(None, sa_column=_timestamp())
    lease_token: int = Field(0, sa_column=_default(0))
    registered: int = Field(0, sa_column=_default(0))
    known: int = Field(0, sa_column=_default(0))
    refused_files: int = Field(0, sa_column=_default(0))
    refused: list[Any] = Field([], sa_column=_json("[]"))
    finished_at: datetime | None = Field(None, sa_column=_timestamp())
    error: dict[str, Any] | None = Field(None, sa_column=Column(JSONB(none_as_null=True)))


def _table(name: str) -> Table:
    return cast(Table, SQLModel.metadata.tables[name])


COLLECTIONS, DOCUMENTS, CITATIONS = map(_table, ("collections", "documents", "citations"))
JOBS, TASKS, EVENTS = map(_table, ("jobs", "tasks", "job_events"))
DELETIONS, LIBRARY = map(_table, ("store_deletions", "library"))
API_KEYS, SESSIONS, AUDIT_LOG = map(_table, ("api_keys", "sessions", "audit_log"))
WEBHOOKS, DELIVERIES = map(_table, ("webhooks", "webhook_deliveries"))
FOLDER_JOBS = _table("folder_jobs")
