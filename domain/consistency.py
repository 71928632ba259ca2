"""What the stores should hold, and where they do not agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import chain
from uuid import UUID

from domain.documents import DocumentStatus


@dataclass(frozen=True, slots=True)
class Holding:
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


@dataclass(frozen=True, slots=True)
class WrongCount:
    """A document whose shown version has `found` chunks in the vector store, not `expected`."""

    holding: Holding
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
class Differences:
    """Where the stores differed at `compared_at`, by the database's clock.

    Documents that somebody works on are in none of the lists, except under `stuck_tasks`.
    """

    compared_at: datetime
    missing_chunks: Sequence[WrongCount] = ()
    surplus_chunks: Sequence[WrongCount] = ()  # of a version that is shown
    orphan_chunks: Sequence[OrphanChunks] = ()
    missing_artifacts: Sequence[Holding] = ()
    orphan_blobs: Sequence[ListedBlob] = ()
    missing_blobs: Sequence[Holding] = ()  # the PDF itself
    stuck_tasks: Sequence[StuckTask] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        return {one.name: len(getattr(self, one.name)) for one in fields(self)[1:]}

    @property
    def to_read_again(self) -> list[Holding]:
        """Documents whose PDF is there and of which something else is not as it should be."""
        counted = (one.holding for one in chain(self.missing_chunks, self.surplus_chunks))
        unfit = {one.document_id: one for one in chain(counted, self.missing_artifacts)}
        lost = {one.document_id for one in self.missing_blobs}
        return [one for name, one in unfit.items() if name not in lost]


@dataclass(slots=True)
class Repairs:
    """What was done about differences: the jobs that read documents again, and what is gone."""

    job_ids: list[str] = field(default_factory=list)
    documents_queued: int = 0
    chunks_deleted: int = 0
    blobs_deleted: int = 0
    bytes_deleted: int = 0
    tasks_released: int = 0

    @property
    def is_empty(self) -> bool:
        """True when there was nothing to do."""
        return self == Repairs()
