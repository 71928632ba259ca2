"""PDFs that PostgreSQL has never heard of become papers: how a restored database heals."""

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

ADOPT = "adopt"  # the kind of such a job
PAPERS_PER_JOB = 500


@dataclass(slots=True)
class Adopted:
    """The jobs that read adopted PDFs, how many those are, and how many wait for another run."""

    job_ids: list[str] = field(default_factory=list)
    documents_queued: int = 0
    from_trash: int = 0
    documents_left: int = 0


async def adopt_orphans(
    collection: str, library: Library, jobs: JobStore, blobs: BlobStore
) -> Adopted:
    """What became of every stored PDF that belongs to no document, not even to a deleted one.

    Each becomes a paper of the collection, named by the first twelve characters of its SHA-256.
    PDFs in the trash are restored. Raises QueueFull when the collection takes none of them, and
    Unavailable.
    """
    found, trashed = await asyncio.to_thread(_stored, blobs)
    unknown = sorted(found.keys() - await _known(library, sorted(found)) - {WARM_UP_SHA256})
    done = Adopted()
    for some in batches(unknown, PAPERS_PER_JOB):
        try:
            admitted = await jobs.admit(
                collection,
                [Upload(f"{sha256[:12]}.pdf", sha256, found[sha256]) for sha256 in some],
                kind=ADOPT,
                lane=Lane.BULK,
            )
        except QueueFull:
            if not done.job_ids:
                raise
            done.documents_left = len(unknown) - done.documents_queued
            return done
        for sha256 in trashed.intersection(some):
            await asyncio.to_thread(blobs.restore_pdf, sha256)
        done.job_ids.append(admitted[0].job_id)
        done.documents_queued += len(some)
        done.from_trash += len(trashed.intersection(some))
    return done


def _stored(blobs: BlobStore) -> tuple[dict[str, int], set[str]]:
    """The bytes of each PDF by its digest, and which of them are only in the trash."""
    trashed = {one.sha256: one.bytes for one in blobs.trashed()}
    placed = {str(owner_of(one.key)): one.bytes for one in blobs.listed() if one.is_pdf}
    return {**trashed, **placed}, trashed.keys() - placed.keys()


async def _known(library: Library, digests: list[str]) -> set[str]:
    known: set[str] = set()
    for some in batches(digests, PAPERS_PER_JOB):
        known |= await library.known_digests(some)
    return known
