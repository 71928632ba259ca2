"""Data types for the comparison of PostgreSQL, Milvus and the blob store, and for repairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import Field

from domain.documents import DocumentStatus


@dataclass(frozen=True, slots=True)
class DocumentState:
    """A document as recorded in PostgreSQL, the reference for the other stores."""

    document_id: str
    collection: str
    filename: str
    sha256: str
    bytes: int
    status: DocumentStatus
    version: int
    chunks: int
    artifact_key: str | None

    @property
    def is_searchable(self) -> bool:
        """True if searches return chunks of `version`."""
        return self.status is DocumentStatus.READY


@dataclass(frozen=True, slots=True)
class ListedBlob:
    """A stored blob; `age_seconds` since it was written."""

    key: str
    bytes: int
    age_seconds: float

    @property
    def is_pdf(self) -> bool:
        """True for an uploaded PDF."""
        return self.key.startswith("pdf/")

    @property
    def is_artifact(self) -> bool:
        """True for an artifact: the extracted content of a PDF."""
        return self.key.startswith("artifacts/")


@dataclass(frozen=True, slots=True)
class WrongCount:
    """A document whose searchable version has `found` chunks in the vector store instead of
    `expected`."""

    document: DocumentState
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class OrphanChunks:
    """Chunks of a document version that is neither searchable nor being processed."""

    document_id: str
    version: int
    chunks: int


@dataclass(frozen=True, slots=True)
class StuckTask:
    """A running task whose lease expired `silent_seconds` ago and was not claimed again."""

    task_id: UUID
    document_id: str
    filename: str
    silent_seconds: float


@dataclass(frozen=True, slots=True)
class DeletionLimits:
    """Upper limits for automatic deletions; deletions beyond them need an explicit request.

    Chunks and artifacts can be rebuilt from the PDFs: for each of these kinds the limit is exceeded
    by more than `derived` orphans that are also more than `derived_share` of all. At most `pdfs`
    PDFs are moved to the trash.
    """

    derived: Annotated[
        int,
        Field(
            ge=0,
            description="A comparison deletes nothing if it finds more orphan chunks, or orphan "
            "artifacts, than this and they exceed `derived_share` of all.",
        ),
    ] = 1000
    derived_share: Annotated[
        float,
        Field(ge=0, le=1, description="Share of all chunks, or of all artifacts; see `derived`."),
    ] = 0.2
    pdfs: Annotated[
        int,
        Field(
            ge=0,
            description="A comparison moves no PDF to the trash if more than this many are unused.",
        ),
    ] = 20

    def excess(self, chunks: OrphanShare, artifacts: OrphanShare, pdfs: int) -> str | None:
        """Describes the deletions beyond the limits as text; None if all are within them."""
        found = [
            f"{share.orphans:,} of {share.stored:,} {name}"
            for name, share in (("chunks", chunks), ("artifacts", artifacts))
            if share.orphans > self.derived and share.orphans > self.derived_share * share.stored
        ]
        found += [f"{pdfs:,} PDFs"] if pdfs > self.pdfs else []
        return " and ".join(found) or None


@dataclass(frozen=True, slots=True)
class Retention:
    """Limits of the automatic cleanup, and how many days it keeps trash, records and deliveries."""

    limits: DeletionLimits = field(default_factory=DeletionLimits)
    trash_days: float = 30
    record_days: float = 90
    delivery_days: float = 30

    @property
    def tombstone_days(self) -> float:
        """Days that tombstones of deleted documents are kept.

        At least as long as the trash keeps a PDF, because the tombstone shows that the PDF was
        deleted on purpose.
        """
        return max(self.record_days, self.trash_days + 7)


class OrphanShare(NamedTuple):
    """The number of orphans of one kind, and the number of all stored objects of that kind."""

    orphans: int
    stored: int


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences between the stores at `compared_at` (database clock).

    Documents that are being processed appear only under `stuck_tasks`. `identity` lists the stores
    that belong to different libraries; if it is not empty, nothing may be repaired.
    """

    compared_at: datetime
    missing_chunks: Sequence[WrongCount] = ()
    surplus_chunks: Sequence[WrongCount] = ()  # of a searchable version
    orphan_chunks: Sequence[OrphanChunks] = ()
    missing_artifacts: Sequence[DocumentState] = ()
    orphan_blobs: Sequence[ListedBlob] = ()
    missing_blobs: Sequence[DocumentState] = ()  # the PDF itself
    stuck_tasks: Sequence[StuckTask] = ()
    stored_chunks: int = 0
    stored_artifacts: int = 0
    identity: Sequence[str] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Returns the number of differences of each kind."""
        return {name: len(getattr(self, name)) for name in DIFFERENCE_KINDS}

    def excess(self, limits: DeletionLimits) -> str | None:
        """Describes what a repair would delete beyond the limits; None if it is within them."""
        pdfs = sum(blob.is_pdf for blob in self.orphan_blobs)
        artifacts = sum(blob.is_artifact for blob in self.orphan_blobs)
        return limits.excess(
            OrphanShare(sum(orphan.chunks for orphan in self.orphan_chunks), self.stored_chunks),
            OrphanShare(artifacts, self.stored_artifacts),
            pdfs,
        )

    @property
    def documents_to_reprocess(self) -> list[DocumentState]:
        """Documents with wrong chunk counts or a missing artifact whose PDF is available."""
        miscounted = (wrong.document for wrong in chain(self.missing_chunks, self.surplus_chunks))
        damaged = {
            document.document_id: document for document in chain(miscounted, self.missing_artifacts)
        }
        lost = {document.document_id for document in self.missing_blobs}
        return [document for name, document in damaged.items() if name not in lost]


DIFFERENCE_KINDS = (
    *("missing_chunks", "surplus_chunks", "orphan_chunks", "missing_artifacts"),
    *("orphan_blobs", "missing_blobs", "stuck_tasks"),
)


@dataclass(slots=True)
class Repairs:
    """Result of a repair: jobs that reprocess documents, and counts of deletions.

    `deletion_refused` describes deletions beyond the limits; if it is set, nothing was deleted.
    """

    job_ids: list[str] = field(default_factory=list)
    documents_queued: int = 0
    chunks_deleted: int = 0
    blobs_deleted: int = 0
    bytes_deleted: int = 0
    tasks_released: int = 0
    pdfs_trashed: int = 0
    pdfs_purged: int = 0
    deletion_refused: str | None = None

    @property
    def is_empty(self) -> bool:
        """True if nothing was repaired."""
        return self == Repairs()
