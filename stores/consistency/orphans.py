"""Deletes what no document needs: chunks, artifacts, cut-off uploads; PDFs move to the trash.

PostgreSQL is asked once more right before each deletion, and again after a PDF was moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from domain.consistency import Differences, ListedBlob, Repairs
from stores.blobs.blob_store import BlobStore, owner_of, pdf_key
from stores.blobs.pdf_trash import TrashedPdf, trash_unused
from stores.consistency.compare import ORPHAN_AFTER_SECONDS
from stores.protocols import ConsistencyQueries

AT_ONCE = 20  # orphans deleted after one question to the database

Item = TypeVar("Item")
Version = tuple[str, int]  # of a document


class DeletableChunks(Protocol):
    """What is asked of the vector store; it raises VectorStoreUnavailable."""

    def delete_version(self, document_id: str, version: int) -> None: ...


class Orphans:
    """Deletes orphans and adds up what is gone. Raises Unavailable."""

    def __init__(
        self, audit: ConsistencyQueries, chunks: DeletableChunks, blobs: BlobStore
    ) -> None:
        self.audit = audit
        self.chunks = chunks
        self.blobs = blobs

    async def delete_chunks(self, found: Differences, done: Repairs) -> None:
        """The orphan chunks are gone, those of documents that came into work meanwhile excepted."""
        for some in batches(found.orphan_chunks, AT_ONCE):
            unwanted = await self._unwanted(
                {(one.document_id, one.version) for one in some}, found.compared_at
            )
            for one in some:
                if (one.document_id, one.version) in unwanted:
                    await asyncio.to_thread(
                        self.chunks.delete_version, one.document_id, one.version
                    )
                    done.chunks_deleted += one.chunks

    async def delete_blobs(self, found: Differences, done: Repairs) -> None:
        """Old artifacts and cut-off uploads are gone, old PDFs are in the trash."""
        for some in batches(found.orphan_blobs, AT_ONCE):
            owners = {blob.key: owner_of(blob.key) for blob in some}
            versions = {owner for owner in owners.values() if isinstance(owner, tuple)}
            deletable = {*await self._unwanted(versions, found.compared_at), None}
            for blob in some:
                if owners[blob.key] in deletable:
                    await self._delete_old(blob, done)
            digests = {owner for owner in owners.values() if isinstance(owner, str)}
            done.pdfs_trashed += len(await self._trash(digests))

    async def purge_trash(self, days: float, done: Repairs) -> None:
        """What has been in the trash for longer than that is deleted; what is used is restored."""
        trashed = await asyncio.to_thread(lambda: list(self.blobs.trashed()))
        for some in batches([one for one in trashed if _is_expired(one, days)], AT_ONCE):
            wanted = await self.audit.in_use({one.sha256 for one in some})
            for one in some:
                if one.sha256 in wanted:
                    await asyncio.to_thread(self.blobs.exists, pdf_key(one.sha256))  # restores it
                else:
                    await asyncio.to_thread(self.blobs.purge, one)
                    done.pdfs_purged += 1

    async def _trash(self, digests: Collection[str]) -> list[str]:
        if not digests:
            return []
        return await trash_unused(digests, _OldPdfs(self.blobs), self.audit.in_use)

    async def _delete_old(self, blob: ListedBlob, done: Repairs) -> None:
        if await asyncio.to_thread(self.blobs.delete_older, blob.key, ORPHAN_AFTER_SECONDS):
            done.blobs_deleted += 1
            done.bytes_deleted += blob.bytes

    async def _unwanted(self, versions: Collection[Version], compared_at: datetime) -> set[Version]:
        """Those of the document versions that no search shows and no task works on."""
        names = {document_id for document_id, _ in versions}
        touched = await self.audit.touched(compared_at, names)
        known = await self.audit.some(names)
        shown = {(one.document_id, one.version) for one in known.values() if one.is_searchable}
        return {one for one in versions if one[0] not in touched and one not in shown}


@dataclass(frozen=True, slots=True)
class _OldPdfs:
    """The PDFs that were written more than an hour ago: an upload stores its PDF before its row."""

    blobs: BlobStore

    def trash_pdf(self, sha256: str) -> bool:
        return self.blobs.trash_older(sha256, ORPHAN_AFTER_SECONDS)

    def restore_pdf(self, sha256: str) -> bool:
        return self.blobs.restore_pdf(sha256)


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in order, so many at once."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _is_expired(trashed: TrashedPdf, days: float) -> bool:
    """Whole UTC days; and an hour, which an upload of the same bytes may need to be committed."""
    kept_since = (datetime.now(UTC) - timedelta(days=days)).date()
    is_old = trashed.day < kept_since or days == 0
    return is_old and trashed.age_seconds > ORPHAN_AFTER_SECONDS
