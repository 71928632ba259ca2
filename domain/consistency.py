"""What the stores should hold, and where they do not agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from domain.documents import DocumentStatus


@dataclass(frozen=True, slots=True)
class DocumentState:
    """A document as the database has it: what the other stores are held against."""

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
    def is_shown(self) -> bool:
        """True when searches show its `version`."""
        return self.status is DocumentStatus.READY


@dataclass(frozen=True, slots=True)
class ListedBlob:
    """A blob at rest, and how many seconds ago it was written."""

    key: str
    bytes: int
    age_seconds: float

    @property
    def is_pdf(self) -> bool:
        """True for an uploaded PDF."""
        return self.key.startswith("pdf/")

    @property
    def is_artifact(self) -> bool:
        """True for what was read from a PDF."""
        return self.key.startswith("artifacts/")


@dataclass(frozen=True, slots=True)
class WrongCount:
    """A document whose shown version has `found` chunks in the vector store, not `expected`."""

    holding: DocumentState
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class OrphanChunks:
    """So many chunks of a document version that nobody shows and nobody writes."""

    document_id: str
    version: int
    chunks: int


@dataclass(frozen=True, slots=True)
class StuckTask:
    """A task whose worker fell silent so many seconds ago, and that nobody has taken up."""

    task_id: UUID
    document_id: str
    filename: str
    silent_seconds: float


@dataclass(frozen=True, slots=True)
class DeletionLimits:
    """What a comparison of the stores may delete without being told to; more is deleted on demand.

    Chunks and artifacts can be made again from the PDFs: of each kind more than `derived` may not
    go if that is more than `derived_share` of all. Of PDFs no more than `pdfs` move to the trash.
    """

    derived: int = 1000
    derived_share: float = 0.2
    pdfs: int = 20

    def excess(self, chunks: Share, artifacts: Share, pdfs: int) -> str | None:
        """What would be too much, in words; None when all of it may go."""
        found = [
            f"{share.orphans:,} of {share.stored:,} {name}"
            for name, share in (("chunks", chunks), ("artifacts", artifacts))
            if share.orphans > self.derived and share.orphans > self.derived_share * share.stored
        ]
        found += [f"{pdfs:,} PDFs"] if pdfs > self.pdfs else []
        return " and ".join(found) or None


@dataclass(frozen=True, slots=True)
class Retention:
    """What an upkeep may delete unasked, and for how many days it keeps the rest."""

    limits: DeletionLimits = field(default_factory=DeletionLimits)
    trash_days: float = 30
    record_days: float = 90

    @property
    def tombstone_days(self) -> float:
        """Days for records of what is gone: while a PDF is in the trash its record says that it
        was deleted on purpose."""
        return max(self.record_days, self.trash_days + 7)


class Share(NamedTuple):
    """So many orphans among all that is stored of a kind."""

    orphans: int
    stored: int


@dataclass(frozen=True, slots=True)
class Differences:
    """Where the stores differed at `compared_at`, by the database's clock.

    Documents that somebody works on are in none of the lists, except under `stuck_tasks`.
    `identity` says which stores do not belong together: then nothing may be repaired.
    """

    compared_at: datetime
    missing_chunks: Sequence[WrongCount] = ()
    surplus_chunks: Sequence[WrongCount] = ()  # of a version that is shown
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
        """How many there are of each kind."""
        return {name: len(getattr(self, name)) for name in KINDS}

    def excess(self, limits: DeletionLimits) -> str | None:
        """What a repair would delete beyond the limits, in words; None when all of it may go."""
        pdfs = sum(blob.is_pdf for blob in self.orphan_blobs)
        artifacts = sum(blob.is_artifact for blob in self.orphan_blobs)
        return limits.excess(
            Share(sum(one.chunks for one in self.orphan_chunks), self.stored_chunks),
            Share(artifacts, self.stored_artifacts),
            pdfs,
        )

    @property
    def to_read_again(self) -> list[DocumentState]:
        """Documents whose PDF is there and of which something else is not as it should be."""
        counted = (one.holding for one in chain(self.missing_chunks, self.surplus_chunks))
        unfit = {one.document_id: one for one in chain(counted, self.missing_artifacts)}
        lost = {one.document_id for one in self.missing_blobs}
        return [one for name, one in unfit.items() if name not in lost]


KINDS = (
    *("missing_chunks", "surplus_chunks", "orphan_chunks", "missing_artifacts"),
    *("orphan_blobs", "missing_blobs", "stuck_tasks"),
)


@dataclass(slots=True)
class Repairs:
    """What was done about differences: the jobs that read documents again, and what is gone.

    `deletion_refused` says what would have been deleted beyond the limits; then nothing was.
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
        """True when there was nothing to do."""
        return self == Repairs()
