"""The stores held against each other: what is missing, and what nobody asked for."""

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
from stores.blobs.blob_store import is_cut_off, owner_of, pdf_key
from stores.blobs.warmup_blob import WARM_UP_SHA256

ORPHAN_AFTER_SECONDS = 3600.0  # an upload stores its PDF before its row


@dataclass(frozen=True, slots=True)
class StoreSnapshot:
    """What lies in the vector store, by document and version, and in the blob store.

    Either is None when nobody looked there: then nothing is said about it.
    """

    chunks: Mapping[tuple[str, int], int] | None = None
    blobs: Sequence[ListedBlob] | None = None


class Comparison:
    """Takes the documents page by page and keeps only what differs.

    The shelves are listed first: of a document whose work was done before that, every chunk must be
    among them, and only those of its shown version.
    """

    def __init__(self, shelves: StoreSnapshot) -> None:
        self._stored: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._counts_chunks = shelves.chunks is not None
        for (document_id, version), chunks in (shelves.chunks or {}).items():
            self._stored[document_id][version] = chunks
        self._stored_chunks = sum((shelves.chunks or {}).values())
        self._blobs = None if shelves.blobs is None else _Blobs(shelves.blobs)
        self._wrong: list[WrongCount] = []
        self._orphans: list[OrphanChunks] = []
        self._no_artifact: list[DocumentState] = []
        self._no_pdf: list[DocumentState] = []

    def look(self, holdings: Iterable[DocumentState]) -> None:
        """These documents are compared."""
        for holding in holdings:
            versions = self._stored.pop(holding.document_id, {})
            if holding.is_searchable and self._counts_chunks:
                self._count(holding, versions.pop(holding.version, 0))
            self._orphans += _orphans(holding.document_id, versions)
            if self._blobs is not None:
                self._look_for_blobs(holding, self._blobs)

    def differences(
        self, compared_at: datetime, touched: Collection[str], stuck: Sequence[StuckTask]
    ) -> Differences:
        """What differs once all documents were compared, those `touched` meanwhile left out."""
        for document_id, versions in self._stored.items():  # nobody knows these
            self._orphans += _orphans(document_id, versions)
        self._stored.clear()
        wrong = [one for one in self._wrong if one.document.document_id not in touched]
        return Differences(
            compared_at,
            missing_chunks=[one for one in wrong if one.found < one.expected],
            surplus_chunks=[one for one in wrong if one.found > one.expected],
            orphan_chunks=[one for one in self._orphans if one.document_id not in touched],
            missing_artifacts=[one for one in self._no_artifact if one.document_id not in touched],
            orphan_blobs=self._blobs.orphans(touched) if self._blobs else (),
            missing_blobs=[one for one in self._no_pdf if one.document_id not in touched],
            stuck_tasks=stuck,
            stored_chunks=self._stored_chunks,
            stored_artifacts=self._blobs.artifacts if self._blobs else 0,
        )

    def _count(self, holding: DocumentState, found: int) -> None:
        # Of a paper that was given up in its middle the last count may never have been written.
        was_given_up = holding.artifact_key is None and found > holding.chunks
        if found != holding.chunks and not was_given_up:
            self._wrong.append(WrongCount(holding, holding.chunks, found))

    def _look_for_blobs(self, holding: DocumentState, blobs: _Blobs) -> None:
        if holding.status is not DocumentStatus.DELETED:
            blobs.claim(holding.sha256)
        if not holding.is_searchable:
            return
        blobs.claim((holding.document_id, holding.version))
        if pdf_key(holding.sha256) not in blobs.by_key:
            self._no_pdf.append(holding)
        if holding.artifact_key is not None and holding.artifact_key not in blobs.by_key:
            self._no_artifact.append(holding)


@dataclass(slots=True)
class _Blobs:
    """Blobs by key, and who they belong to; those of a shown version belong to it all together."""

    listed: Sequence[ListedBlob]
    by_key: dict[str, ListedBlob] = field(init=False)
    claimed: set[str | tuple[str, int]] = field(
        init=False, default_factory=lambda: {WARM_UP_SHA256}
    )

    def __post_init__(self) -> None:
        self.by_key = {blob.key: blob for blob in self.listed}

    @property
    def artifacts(self) -> int:
        """How many artifacts are stored."""
        return sum(blob.is_artifact for blob in self.listed)

    def claim(self, owner: str | tuple[str, int]) -> None:
        self.claimed.add(owner)

    def orphans(self, touched: Collection[str]) -> list[ListedBlob]:
        return [
            blob
            for blob in self.listed
            if blob.age_seconds > ORPHAN_AFTER_SECONDS and not self._is_wanted(blob, touched)
        ]

    def _is_wanted(self, blob: ListedBlob, touched: Collection[str]) -> bool:
        owner = owner_of(blob.key)
        if owner is None:
            return not is_cut_off(blob.key)
        return owner in self.claimed or (isinstance(owner, tuple) and owner[0] in touched)


def _orphans(document_id: str, versions: Mapping[int, int]) -> list[OrphanChunks]:
    return [OrphanChunks(document_id, version, chunks) for version, chunks in versions.items()]
