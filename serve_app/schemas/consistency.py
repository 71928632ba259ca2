"""The shapes on the wire of a comparison of the stores, and of its repair."""

from __future__ import annotations

import uuid

from pydantic import BaseModel, ConfigDict

from serve_app.schemas.core import Time, Wire
from serve_app.schemas.field_types import CollectionName


class StoredPaper(Wire):
    """A document that something is missing of."""

    document_id: str
    filename: str
    collection: str
    version: int


class WrongCount(StoredPaper):
    """A document whose version has `found` chunks in the vector store instead of `expected`."""

    expected: int
    found: int


class OrphanChunks(Wire):
    """Chunks of a document version that no search shows and no task writes."""

    document_id: str
    version: int
    chunks: int


class OrphanBlob(Wire):
    """A file of the blob store that belongs to no document, written longer than an hour ago."""

    key: str
    bytes: int
    age_seconds: float


class StuckTask(Wire):
    """A task whose worker fell silent, and that nobody has taken up."""

    task_id: uuid.UUID
    document_id: str
    filename: str
    silent_seconds: float


class DifferenceCounts(Wire):
    """How many differences of each kind there are."""

    missing_chunks: int
    surplus_chunks: int
    orphan_chunks: int
    missing_artifacts: int
    orphan_blobs: int
    missing_blobs: int
    stuck_tasks: int


class Consistency(Wire):
    """Where PostgreSQL, Milvus and the blobs differ; the first 100 of each kind.

    `missing_blobs` are papers whose PDF is lost: only an upload brings it back. `identity_problems`
    name stores that do not belong to the same library: then nothing can be repaired.
    `deletion_refused` says what a repair would delete beyond the limits: it wants `delete_orphans`.
    """

    consistent: bool
    compared_at: Time
    identity_problems: list[str]
    deletion_refused: str | None
    counts: DifferenceCounts
    missing_chunks: list[WrongCount]
    surplus_chunks: list[WrongCount]
    orphan_chunks: list[OrphanChunks]
    missing_artifacts: list[StoredPaper]
    orphan_blobs: list[OrphanBlob]
    missing_blobs: list[StoredPaper]
    stuck_tasks: list[StuckTask]


class Repair(Wire):
    """What was found, and what was done about it: `job_ids` read documents again.

    With `deletion_refused` nothing was deleted, because that would have been too much.
    """

    found: Consistency
    job_ids: list[str]
    documents_queued: int
    chunks_deleted: int
    blobs_deleted: int
    bytes_deleted: int
    pdfs_trashed: int
    tasks_released: int
    deletion_refused: str | None


class AdoptRequest(BaseModel):
    """The collection of the adopted papers.

    With `claim_stores` Milvus and the blob store become those of this database, whatever library
    they belonged to before.
    """

    model_config = ConfigDict(extra="forbid")

    collection: CollectionName
    claim_stores: bool = False


class Adoption(Wire):
    """Jobs that read PDFs which belonged to no document; `documents_left` wait for another call."""

    job_ids: list[str]
    documents_queued: int
    from_trash: int
    documents_left: int
