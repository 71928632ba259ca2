"""Creates papers for stored PDFs that PostgreSQL does not know (recovery of a lost database)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from domain.errors import QueueFull
from domain.jobs import Lane, Upload
from stores.blobs.blob_store import BlobStore, owner_of
from stores.blobs.warmup_blob import WARM_UP_SHA256
from stores.consistency.orphans import batches
from stores.consistency.store_identity import Library
from stores.protocols import JobStore

ADOPT = "adopt"  # value of `kind` for adoption jobs
PAPERS_PER_JOB = 500


@dataclass(slots=True)
class Adopted:
    """Result of an adoption: jobs, number of queued PDFs, and PDFs left for another run."""

    job_ids: list[str] = field(default_factory=list)
    documents_queued: int = 0
    from_trash: int = 0
    documents_left: int = 0


async def adopt_orphans(
    collection: str, library: Library, jobs: JobStore, blobs: BlobStore
) -> Adopted:
    """Queues every stored PDF that belongs to no document, deleted documents included.

    Each PDF becomes a paper of the collection; its file name is the first twelve characters of its
    SHA-256. PDFs in the trash are restored. Raises QueueFull if the collection accepts none of
    them, and Unavailable.
    """
    found, trashed = await asyncio.to_thread(_stored_pdfs, blobs)
    unknown = sorted(found.keys() - await _known(library, sorted(found)) - {WARM_UP_SHA256})
    done = Adopted()
    for batch in batches(unknown, PAPERS_PER_JOB):
        try:
            admitted = await jobs.admit(
                collection,
                [Upload(f"{sha256[:12]}.pdf", sha256, found[sha256]) for sha256 in batch],
                kind=ADOPT,
                lane=Lane.BULK,
            )
        except QueueFull:
            if not done.job_ids:
                raise
            done.documents_left = len(unknown) - done.documents_queued
            return done
        for sha256 in trashed.intersection(batch):
            await asyncio.to_thread(blobs.restore_pdf, sha256)
        done.job_ids.append(admitted[0].job_id)
        done.documents_queued += len(batch)
        done.from_trash += len(trashed.intersection(batch))
    return done


def _stored_pdfs(blobs: BlobStore) -> tuple[dict[str, int], set[str]]:
    """Returns the size of each PDF by digest, and the digests that exist only in the trash."""
    trashed = {pdf.sha256: pdf.bytes for pdf in blobs.trashed()}
    stored = {str(owner_of(blob.key)): blob.bytes for blob in blobs.listed() if blob.is_pdf}
    return {**trashed, **stored}, trashed.keys() - stored.keys()


async def _known(library: Library, digests: list[str]) -> set[str]:
    known: set[str] = set()
    for batch in batches(digests, PAPERS_PER_JOB):
        known |= await library.known_digests(batch)
    return known
