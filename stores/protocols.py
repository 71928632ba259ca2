"""The interfaces of the stores.

The stores on PostgreSQL and Milvus and the in-memory fakes of `tests/fakes` implement them; the
type checker compares both with these signatures. The docstrings of the stores state what each
method returns and raises.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from domain.jobs import Lane, OnDuplicate

if TYPE_CHECKING:
    import numpy as np

    from domain.access import ApiKey, Scope
    from domain.activity import Minute, RequestTimes
    from domain.consistency import DocumentState, StuckTask
    from domain.deletions import StoreDeletion
    from domain.documents import Chunk, Document, DocumentFilter, DocumentOrder, Passage
    from domain.errors import Failure
    from domain.events import Event, FeedEvent, FeedPosition
    from domain.job_control import Cancelled, IncompleteTask
    from domain.jobs import (
        Admission,
        CursorPage,
        Job,
        JobStatus,
        Progress,
        StepResult,
        Task,
        TaskEnd,
        Upload,
        WaitFor,
    )
    from domain.paper_names import PaperName
    from domain.search import SearchQuery
    from domain.system import LaneQueue, StoreTotals
    from stores.postgres.admission import BeforeCommit
    from stores.postgres.audit_log import AuditEntry
    from stores.postgres.document_store import CollectionSummary
    from stores.postgres.request_counts import Usage


class JobStore(Protocol):
    """Admits uploads and reads jobs."""

    async def admit(
        self,
        collection: str,
        uploads: Sequence[Upload],
        *,
        kind: str = "upload",
        lane: Lane = Lane.INTERACTIVE,
        on_duplicate: OnDuplicate = OnDuplicate.RETURN,
        job_id: str | None = None,
        more_to_come: bool = False,
        known_only: bool = False,
        before_commit: BeforeCommit = ...,
    ) -> list[Admission]: ...
    async def admit_once(
        self,
        collection: str,
        uploads: Sequence[Upload],
        *,
        job_id: str,
        request_digest: str,
        kind: str = "upload",
        lane: Lane = Lane.INTERACTIVE,
        on_duplicate: OnDuplicate = OnDuplicate.RETURN,
        before_commit: BeforeCommit = ...,
    ) -> list[Admission]: ...
    async def move(self, document: Document, collection: str) -> Admission: ...
    async def check_queue_limit(self, collection: str) -> None: ...
    async def job(self, job_id: str) -> Job: ...
    async def collection_of(self, job_id: str) -> str | None: ...
    async def has_come(self, job_id: str, until: WaitFor) -> bool: ...
    async def jobs(
        self,
        *,
        status: JobStatus | None = None,
        collection: str | None = None,
        among: Collection[str] | None = None,
        job_ids: Collection[str] | None = None,
        unacknowledged: bool = False,
        cursor: str | None = None,
        limit: int = 50,
    ) -> CursorPage[Job]: ...
    async def count_unacknowledged(self, among: Collection[str] | None = None) -> int: ...
    async def tasks(self, job_id: str, limit: int = 100) -> list[Task]: ...


class TaskQueue(Protocol):
    """Leases tasks to workers and records their results."""

    async def claim(
        self, lane: Lane, limit: int, *, worker: str, lease_seconds: float
    ) -> list[Task]: ...
    async def heartbeat(self, tasks: Sequence[Task], lease_seconds: float) -> set[uuid.UUID]: ...
    async def report(self, task: Task, progress: Progress) -> None: ...
    async def report_numbers(self, reports: Sequence[tuple[Task, Progress]]) -> None: ...
    async def finish(self, task: Task, result: StepResult) -> None: ...
    async def finish_all(self, ends: Sequence[TaskEnd]) -> None: ...
    async def fail(self, task: Task, failure: Failure) -> None: ...
    async def retry(
        self, task: Task, failure: Failure, *, delay_seconds: float, isolate: bool = False
    ) -> None: ...
    async def release(self, task: Task, delay_seconds: float = 0) -> None: ...
    async def sweep(
        self, *, base_seconds: float = 2, cap_seconds: float = 300, lease_seconds: float = 15
    ) -> int: ...
    async def depths(self) -> dict[tuple[str, str], int]: ...


class KeyStore(Protocol):
    """Creates, finds and revokes API keys and the sessions of browsers."""

    async def create(
        self,
        name: str,
        scopes: Collection[Scope],
        collections: Collection[str] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]: ...
    async def list(self) -> list[ApiKey]: ...
    async def revoke(self, key_id: str) -> None: ...
    async def find(self, token: str) -> ApiKey | None: ...
    async def open_session(self, key: ApiKey) -> str: ...
    async def find_session(self, secret: str) -> ApiKey | None: ...
    async def close_session(self, secret: str) -> None: ...


class AuditLog(Protocol):
    """Reads the log of who did what."""

    async def list(
        self, *, cursor: str | None = None, limit: int = 50
    ) -> CursorPage[AuditEntry]: ...


class RequestCounts(Protocol):
    """Counts the requests of each client."""

    async def count(self, client: str) -> Usage: ...


class JobControl(Protocol):
    """Cancels, retries and acknowledges jobs."""

    async def cancel(self, job_id: str, *, keep_chunks: bool = False) -> Cancelled: ...
    async def retry(self, job_id: str) -> int: ...
    async def acknowledge(self, job_id: str) -> bool: ...
    async def acknowledge_all(
        self,
        *,
        collection: str | None = None,
        among: Collection[str] | None = None,
        until: datetime | None = None,
    ) -> int: ...
    async def failures(
        self, job_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> CursorPage[IncompleteTask]: ...


class ActivityStore(Protocol):
    """Writes the durations of requests, and reads the activity of the last hour."""

    async def write(self, process: str, times: Sequence[RequestTimes]) -> None: ...
    async def last_hour(self) -> Sequence[Minute]: ...


class SystemQueries(Protocol):
    """The open papers by lane, and the sizes of the stores."""

    async def lanes(self) -> dict[str, LaneQueue]: ...
    async def totals(self) -> StoreTotals: ...


class EventLog(Protocol):
    """Reads the events of jobs."""

    async def after(self, job_id: str, number: int = 0, limit: int = 500) -> Sequence[Event]: ...


class EventFeed(Protocol):
    """Reads the events of all jobs of a collection."""

    async def now(self) -> FeedPosition: ...
    async def after(
        self, collection: str, position: FeedPosition, limit: int = 500
    ) -> Sequence[FeedEvent]: ...


class DocumentStore(Protocol):
    """Reads and deletes documents."""

    async def get(self, document_id: str) -> Document: ...
    async def active(
        self, document_ids: Collection[str], wanted: DocumentFilter = ...
    ) -> dict[str, Document]: ...
    async def ids(self, wanted: DocumentFilter, limit: int) -> list[str]: ...
    async def named(
        self, name: PaperName, wanted: DocumentFilter, limit: int = 20
    ) -> list[Document]: ...
    async def list(
        self,
        wanted: DocumentFilter = ...,
        *,
        order: DocumentOrder = ...,
        cursor: str | None = None,
        limit: int = 50,
    ) -> CursorPage[Document]: ...
    async def collections(self, name: str | None = None) -> Sequence[CollectionSummary]: ...
    async def has_collection(self, name: str) -> bool: ...
    async def artifact_key(self, document_id: str) -> str | None: ...
    async def correct(
        self,
        document_id: str,
        columns: Mapping[str, Any],
        restored: Collection[str],
        *,
        tags: Sequence[str] | None = None,
        expected: Document | None = None,
    ) -> None: ...
    async def delete(self, document_id: str) -> None: ...
    async def delete_collection(self, name: str) -> int: ...


class CollectionStore(Protocol):
    """Creates and changes collections."""

    async def create(self, name: str, settings: Mapping[str, Any]) -> None: ...
    async def change(self, name: str, settings: Mapping[str, Any]) -> None: ...


class DeletionQueue(Protocol):
    """The outbox of deletions in the vector store and the blob store."""

    async def claim(self, limit: int, hide_seconds: float) -> list[StoreDeletion]: ...
    async def complete(self, deletion_ids: Sequence[int]) -> None: ...
    async def waiting(self) -> int: ...
    async def discard_if_unused(self, document_id: str, version: int) -> bool: ...
    async def pdfs_in_use(self, digests: Collection[str]) -> set[str]: ...


class CitationStore(Protocol):
    """Links references to the documents of the same collection."""

    async def links(self, document_id: str) -> dict[int, str]: ...
    async def cited_by(self, document_id: str) -> list[str]: ...


class ConsistencyQueries(Protocol):
    """The expected content of the other stores, from PostgreSQL."""

    async def now(self) -> datetime: ...
    def iter_batches(self, size: int = 2000) -> AsyncIterator[list[DocumentState]]: ...
    async def by_ids(self, document_ids: Collection[str]) -> dict[str, DocumentState]: ...
    async def changed_since(
        self, since: datetime, document_ids: Collection[str] | None = None
    ) -> set[str]: ...
    async def repaired(self, document_ids: Collection[str]) -> set[str]: ...
    async def in_use(self, digests: Collection[str]) -> set[str]: ...
    async def shown_chunks(self) -> int: ...
    async def stuck(self, silent_seconds: float) -> list[StuckTask]: ...


class VectorStore(Protocol):
    """Holds the chunks of documents with their vectors, and searches them."""

    def exists(self) -> bool: ...
    def library_id(self) -> str | None: ...
    def set_library_id(self, library_id: str) -> None: ...
    def some_documents(self) -> set[str]: ...
    def ping(self) -> None: ...
    def upsert(self, chunks: Sequence[Chunk], vectors: np.ndarray, *, collection: str) -> None: ...
    def search(self, query: SearchQuery, vector: np.ndarray | None) -> list[Passage]: ...
    def chunks(
        self, document_id: str, version: int, *, offset: int = 0, limit: int = 100
    ) -> list[Chunk]: ...
    def stored(self, document_id: str, version: int) -> list[tuple[Chunk, np.ndarray]]: ...
    def delete_chunks(self, chunk_ids: Collection[str]) -> None: ...
    def delete_versions(self, document_id: str, first: int, last: int) -> None: ...
    def delete_version(self, document_id: str, version: int) -> None: ...
    def total(self) -> int: ...
    def contents(self) -> dict[tuple[str, int], int]: ...
    def close(self) -> None: ...
