"""Schemas of the comparison of the stores and of its repair."""

from __future__ import annotations

from domain.consistency import OrphanChunks, StuckTask
from serve_app.schemas.core import CollectionName, Time, Wire


class StoredPaper(Wire):
    """A document with missing data."""

    document_id: str
    filename: str
    collection: CollectionName
    version: int


class WrongCount(StoredPaper):
    """A document with `found` chunks in the vector store instead of `expected`."""

    expected: int
    found: int


class OrphanBlob(Wire):
    """A blob that belongs to no document and was written more than one hour ago."""

    key: str
    bytes: int
    age_seconds: float


class DifferenceCounts(Wire):
    """Number of differences of each kind."""

    missing_chunks: int
    surplus_chunks: int
    orphan_chunks: int
    missing_artifacts: int
    orphan_blobs: int
    missing_blobs: int
    stuck_tasks: int


class Consistency(Wire):
    """Differences between PostgreSQL, Milvus and the blob store: the first 100 of each kind.

    `missing_blobs` lists papers whose PDF is lost: upload it again. `identity_problems` lists
    stores that belong to different libraries: nothing can be repaired until that is corrected.
    `deletion_refused` describes deletions beyond the limits: a repair executes them only with
    `delete_orphans`.
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
    """The differences that were found and the repairs. The jobs in `job_ids` read documents again.

    If `deletion_refused` is set, nothing was deleted because the limits would have been exceeded.
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


class Adoption(Wire):
    """The jobs that read the adopted PDFs. `documents_left` counts PDFs that need another call."""

    job_ids: list[str]
    documents_queued: int
    from_trash: int
    documents_left: int
