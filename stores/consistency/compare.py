"""Compares the stores and lists what is missing and what is orphaned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.consistency import (
    Differences,
    DocumentState,
    ListedBlob,
    OrphanChunks,
    StuckTask,
    WrongCount,
)
from domain.documents import DocumentStatus
from stores.blobs.blob_store import is_partial_upload, owner_of, pdf_key
from stores.blobs.warmup_blob import WARM_UP_SHA256

ORPHAN_AFTER_SECONDS = 3600.0  # grace period: an upload stores its PDF before its row


@dataclass(frozen=True, slots=True)
class StoreSnapshot:
    """Contents of the vector store (chunks per document version) and of the blob store.

    A store that was not listed is None; the comparison then skips it.
    """

    chunks: Mapping[tuple[str, int], int] | None = None
    blobs: Sequence[ListedBlob] | None = None


class Comparison:
    """Compares documents with a snapshot, batch by batch, and keeps only the differences.

    The snapshot must be taken before the documents are read. For a document whose tasks ended
    before the snapshot, it must contain all chunks of the shown version and no others.
    """

    def __init__(self, snapshot: StoreSnapshot) -> None:
        self._stored: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._counts_chunks = snapshot.chunks is not None
        for (document_id, version), chunks in (snapshot.chunks or {}).items():
            self._stored[document_id][version] = chunks
        self._stored_chunks = sum((snapshot.chunks or {}).values())
        self._blobs = None if snapshot.blobs is None else _Blobs(snapshot.blobs)
        self._wrong: list[WrongCount] = []
        self._orphans: list[OrphanChunks] = []
        self._no_artifact: list[DocumentState] = []
        self._no_pdf: list[DocumentState] = []

    def add(self, documents: Iterable[DocumentState]) -> None:
        """Compares these documents with the snapshot. Each document must be added once."""
        for document in documents:
            versions = self._stored.pop(document.document_id, {})
            if document.is_searchable and self._counts_chunks:
                self._compare_chunk_count(document, versions.pop(document.version, 0))
            self._orphans += _orphans(document.document_id, versions)
            if self._blobs is not None:
                self._compare_blobs(document, self._blobs)

    def differences(
        self, compared_at: datetime, changed: Collection[str], stuck: Sequence[StuckTask]
    ) -> Differences:
        """Returns the differences after all documents were added.

        Excludes the document ids in `changed`: tasks wrote to them during the comparison.
        """
        for document_id, versions in self._stored.items():  # chunks of unknown documents
            self._orphans += _orphans(document_id, versions)
        self._stored.clear()
        wrong = [count for count in self._wrong if count.document.document_id not in changed]
        return Differences(
            compared_at,
            missing_chunks=[count for count in wrong if count.found < count.expected],
            surplus_chunks=[count for count in wrong if count.found > count.expected],
            orphan_chunks=[orphan for orphan in self._orphans if orphan.document_id not in changed],
            missing_artifacts=[
                document for document in self._no_artifact if document.document_id not in changed
            ],
            orphan_blobs=self._blobs.orphans(changed) if self._blobs else (),
            missing_blobs=[
                document for document in self._no_pdf if document.document_id not in changed
            ],
            stuck_tasks=stuck,
            stored_chunks=self._stored_chunks,
            stored_artifacts=self._blobs.artifacts if self._blobs else 0,
        )

    def _compare_chunk_count(self, document: DocumentState, found: int) -> None:
        # If a task failed after it had published a part, the last chunk count may be missing in
        # PostgreSQL.
        failed_midway = document.artifact_key is None and found > document.chunks
        if found != document.chunks and not failed_midway:
            self._wrong.append(WrongCount(document, document.chunks, found))

    def _compare_blobs(self, document: DocumentState, blobs: _Blobs) -> None:
        if document.status is not DocumentStatus.DELETED:
            blobs.add_owner(document.sha256)
        if not document.is_searchable:
            return
        blobs.add_owner((document.document_id, document.version))
        if pdf_key(document.sha256) not in blobs.by_key:
            self._no_pdf.append(document)
        if document.artifact_key is not None and document.artifact_key not in blobs.by_key:
            self._no_artifact.append(document)


@dataclass(slots=True)
class _Blobs:
    """Blobs by key, and the owners that PostgreSQL knows.

    An owner is the digest of a PDF, or the document version of its artifacts.
    """

    listed: Sequence[ListedBlob]
    by_key: dict[str, ListedBlob] = field(init=False)
    owners: set[str | tuple[str, int]] = field(init=False, default_factory=lambda: {WARM_UP_SHA256})

    def __post_init__(self) -> None:
        self.by_key = {blob.key: blob for blob in self.listed}

    @property
    def artifacts(self) -> int:
        """Number of stored artifacts."""
        return sum(blob.is_artifact for blob in self.listed)

    def add_owner(self, owner: str | tuple[str, int]) -> None:
        self.owners.add(owner)

    def orphans(self, changed: Collection[str]) -> list[ListedBlob]:
        return [
            blob
            for blob in self.listed
            if blob.age_seconds > ORPHAN_AFTER_SECONDS and not self._is_in_use(blob, changed)
        ]

    def _is_in_use(self, blob: ListedBlob, changed: Collection[str]) -> bool:
        owner = owner_of(blob.key)
        if owner is None:
            return not is_partial_upload(blob.key)
        return owner in self.owners or (isinstance(owner, tuple) and owner[0] in changed)


def _orphans(document_id: str, versions: Mapping[int, int]) -> list[OrphanChunks]:
    return [OrphanChunks(document_id, version, chunks) for version, chunks in versions.items()]
