"""Deletes orphaned chunks, artifacts and interrupted uploads; moves orphaned PDFs to the trash.

Queries PostgreSQL again right before each deletion, and once more after a PDF was moved.
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

BATCH_SIZE = 20  # orphans deleted after each check against the database

Item = TypeVar("Item")
Version = tuple[str, int]  # of a document


class DeletableChunks(Protocol):
    """The part of the vector store that `Orphans` uses; raises VectorStoreUnavailable."""

    def delete_version(self, document_id: str, version: int) -> None: ...


class Orphans:
    """Deletes orphans and counts what was deleted in a `Repairs`. Raises Unavailable."""

    def __init__(
        self, queries: ConsistencyQueries, chunks: DeletableChunks, blobs: BlobStore
    ) -> None:
        self.queries = queries
        self.chunks = chunks
        self.blobs = blobs

    async def delete_chunks(self, found: Differences, done: Repairs) -> None:
        """Deletes orphan chunks, except of documents with a task since the comparison."""
        for batch in batches(found.orphan_chunks, BATCH_SIZE):
            unused = await self._unused(
                {(orphan.document_id, orphan.version) for orphan in batch}, found.compared_at
            )
            for orphan in batch:
                if (orphan.document_id, orphan.version) in unused:
                    await asyncio.to_thread(
                        self.chunks.delete_version, orphan.document_id, orphan.version
                    )
                    done.chunks_deleted += orphan.chunks

    async def delete_blobs(self, found: Differences, done: Repairs) -> None:
        """Deletes old orphan artifacts and interrupted uploads; moves old PDFs to the trash."""
        for batch in batches(found.orphan_blobs, BATCH_SIZE):
            owners = {blob.key: owner_of(blob.key) for blob in batch}
            versions = {owner for owner in owners.values() if isinstance(owner, tuple)}
            deletable = {*await self._unused(versions, found.compared_at), None}
            for blob in batch:
                if owners[blob.key] in deletable:
                    await self._delete_old(blob, done)
            digests = {owner for owner in owners.values() if isinstance(owner, str)}
            done.pdfs_trashed += len(await self._trash(digests))

    async def purge_trash(self, days: float, done: Repairs) -> None:
        """Deletes PDFs that have been in the trash for more than `days`; restores those in use."""
        trashed = await asyncio.to_thread(lambda: list(self.blobs.trashed()))
        for batch in batches([pdf for pdf in trashed if _is_expired(pdf, days)], BATCH_SIZE):
            in_use = await self.queries.in_use({pdf.sha256 for pdf in batch})
            for pdf in batch:
                if pdf.sha256 in in_use:
                    await asyncio.to_thread(self.blobs.exists, pdf_key(pdf.sha256))  # restores it
                else:
                    await asyncio.to_thread(self.blobs.purge, pdf)
                    done.pdfs_purged += 1

    async def _trash(self, digests: Collection[str]) -> list[str]:
        if not digests:
            return []
        return await trash_unused(digests, _OldPdfs(self.blobs), self.queries.in_use)

    async def _delete_old(self, blob: ListedBlob, done: Repairs) -> None:
        if await asyncio.to_thread(self.blobs.delete_older, blob.key, ORPHAN_AFTER_SECONDS):
            done.blobs_deleted += 1
            done.bytes_deleted += blob.bytes

    async def _unused(self, versions: Collection[Version], compared_at: datetime) -> set[Version]:
        """Returns those of the document versions that are not searchable and have no task."""
        ids = {document_id for document_id, _ in versions}
        changed = await self.queries.changed_since(compared_at, ids)
        known = await self.queries.by_ids(ids)
        shown = {
            (state.document_id, state.version) for state in known.values() if state.is_searchable
        }
        return {
            (document_id, version)
            for document_id, version in versions
            if document_id not in changed and (document_id, version) not in shown
        }


@dataclass(frozen=True, slots=True)
class _OldPdfs:
    """Restricts `trash_pdf` to PDFs older than ORPHAN_AFTER_SECONDS.

    An upload stores its PDF before its row, so a new PDF may not have a document yet.
    """

    blobs: BlobStore

    def trash_pdf(self, sha256: str) -> bool:
        return self.blobs.trash_older(sha256, ORPHAN_AFTER_SECONDS)

    def restore_pdf(self, sha256: str) -> bool:
        return self.blobs.restore_pdf(sha256)


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yields the items in order, in batches of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _is_expired(trashed: TrashedPdf, days: float) -> bool:
    """True if the PDF has been in the trash for `days` whole UTC days, and for at least an hour.

    Within that hour, an upload of the same bytes may still be committed.
    """
    kept_since = (datetime.now(UTC) - timedelta(days=days)).date()
    is_old = trashed.day < kept_since or days == 0
    return is_old and trashed.age_seconds > ORPHAN_AFTER_SECONDS
