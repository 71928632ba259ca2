"""Finds and repairs inconsistencies between PostgreSQL, Milvus and the blob store.

PostgreSQL is queried before and after the other stores are listed. Documents that a task worked on
at or between these times are excluded, so concurrent work never counts as a difference. Orphans are
deleted by `stores.consistency.orphans`, and only if the stores belong to the same library. Missing
chunks and artifacts are restored by re-ingesting the PDF as a new version; until that version is
complete, searches return what exists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Protocol

from domain.consistency import DeletionLimits, Differences, DocumentState, ListedBlob, Repairs
from domain.errors import StoresDoNotMatch
from domain.identity import StoreIdentity
from domain.jobs import Lane, OnDuplicate, Upload
from stores.blobs.blob_store import BlobStore, pdf_key
from stores.consistency.compare import Comparison, StoreSnapshot
from stores.consistency.consistency_queries import REPAIR
from stores.consistency.orphans import Orphans, batches
from stores.protocols import ConsistencyQueries, JobStore, TaskQueue

STUCK_SECONDS = 60.0  # a running JobManager requeues tasks with an expired lease within seconds
PAPERS_PER_JOB = 500


class Chunks(Protocol):
    """The part of the vector store that `Reconciler` uses; raises VectorStoreUnavailable."""

    def total(self) -> int: ...
    def contents(self) -> dict[tuple[str, int], int]: ...
    def delete_version(self, document_id: str, version: int) -> None: ...


class Identity(Protocol):
    """Reports whether the stores belong to the same library; raises Unavailable."""

    async def inspect(self) -> StoreIdentity: ...


class Reconciler:
    """Compares the stores and repairs differences. Safe to run concurrently."""

    def __init__(
        self,
        queries: ConsistencyQueries,
        jobs: JobStore,
        queue: TaskQueue,
        chunks: Chunks,
        blobs: BlobStore,
        identity: Identity,
        limits: DeletionLimits | None = None,
    ) -> None:
        self.queries = queries
        self.jobs = jobs
        self.queue = queue
        self.chunks = chunks
        self.blobs = blobs
        self.identity = identity
        self.limits = limits or DeletionLimits()
        self.orphans = Orphans(queries, chunks, blobs)

    async def compare(self) -> Differences:
        """Returns all differences, including mismatched library ids. Raises Unavailable."""
        found = await self._compare(chunks=True, blobs=True)
        return replace(found, identity=(await self.identity.inspect()).problems)

    async def repair(self, found: Differences, *, delete_orphans: bool = False) -> Repairs:
        """Repairs the differences and returns what was done.

        More orphans than the limits allow are deleted only with `delete_orphans`. Documents with a
        lost PDF are left unchanged; the PDF must be uploaded again. Raises StoresDoNotMatch before
        any change, Unavailable, QueueFull.
        """
        await self.require_match()
        done = Repairs()
        if found.stuck_tasks:
            done.tasks_released = await self.queue.sweep()
        await self._delete(found, done, delete_orphans)
        await self._reingest(found.documents_to_reprocess, found.compared_at, done)
        return done

    async def reconcile(self, *, counts_only: bool = False) -> Repairs:
        """Compares documents with chunks and repairs differences.

        Re-ingests each document at most once while its repair job is retained. With `counts_only`,
        returns early if the total number of chunks is as expected; that saves the embedded
        Milvus 0.2 s per 20,000 chunks. Raises StoresDoNotMatch before any change, and Unavailable.
        """
        await self.require_match()
        if counts_only and await self._counts_match():
            return Repairs()
        found, done = await self._compare(chunks=True), Repairs()
        await self._delete(found, done)
        incomplete = [count.document for count in found.missing_chunks]
        repaired = await self.queries.repaired({document.document_id for document in incomplete})
        unrepaired = [document for document in incomplete if document.document_id not in repaired]
        await self._reingest(unrepaired, found.compared_at, done)
        return done

    async def clean_up(self, trash_days: float) -> Repairs:
        """Moves unused PDFs to the trash, deletes orphan artifacts and interrupted uploads, and
        purges PDFs that have been in the trash for more than `trash_days`.

        Raises StoresDoNotMatch before any change, and Unavailable.
        """
        await self.require_match()
        done = Repairs()
        await self._delete(await self._compare(blobs=True), done)
        await self.orphans.purge_trash(trash_days, done)
        return done

    async def require_match(self) -> None:
        """Raises StoresDoNotMatch unless the stores belong to the same library."""
        if problems := (await self.identity.inspect()).problems:
            raise stores_do_not_match(problems)

    async def _compare(self, *, chunks: bool = False, blobs: bool = False) -> Differences:
        started_at = await self.queries.now()
        changed = await self.queries.changed_since(started_at)
        comparison = Comparison(
            StoreSnapshot(
                chunks=await asyncio.to_thread(self.chunks.contents) if chunks else None,
                blobs=await asyncio.to_thread(self._listed) if blobs else None,
            )
        )
        async for batch in self.queries.iter_batches():
            comparison.add(batch)
        changed |= await self.queries.changed_since(started_at)
        found = comparison.differences(started_at, changed, await self.queries.stuck(STUCK_SECONDS))
        return replace(found, missing_blobs=await asyncio.to_thread(self._lost, found))

    async def _counts_match(self) -> bool:
        stored = await asyncio.to_thread(self.chunks.total)
        return stored == await self.queries.shown_chunks()

    def _listed(self) -> Sequence[ListedBlob]:
        return list(self.blobs.listed())

    def _lost(self, found: Differences) -> list[DocumentState]:
        """Returns the documents whose PDF is not in the trash either; restores the others."""
        return [
            document
            for document in found.missing_blobs
            if not self.blobs.exists(pdf_key(document.sha256))
        ]

    async def _delete(self, found: Differences, done: Repairs, ignore_limits: bool = False) -> None:
        """Deletes the orphans, unless there are more than the limits allow."""
        done.deletion_refused = None if ignore_limits else found.excess(self.limits)
        if done.deletion_refused is None:
            await self.orphans.delete_chunks(found, done)
            await self.orphans.delete_blobs(found, done)

    async def _reingest(
        self, documents: Iterable[DocumentState], compared_at: datetime, done: Repairs
    ) -> None:
        by_collection = sorted(documents, key=lambda document: document.collection)
        for collection, papers in groupby(by_collection, key=lambda document: document.collection):
            for batch in batches(list(papers), PAPERS_PER_JOB):
                await self._queue_repair(collection, batch, compared_at, done)

    async def _queue_repair(
        self, collection: str, batch: Sequence[DocumentState], compared_at: datetime, done: Repairs
    ) -> None:
        """Creates a repair job for the documents that are unchanged since the comparison."""
        ids = {document.document_id for document in batch}
        changed = await self.queries.changed_since(compared_at, ids)
        known = await self.queries.by_ids(ids)
        unchanged = [
            document
            for document in batch
            if known.get(document.document_id) == document and document.document_id not in changed
        ]
        if not unchanged:
            return
        admitted = await self.jobs.admit(
            collection,
            [Upload(paper.filename, paper.sha256, paper.bytes) for paper in unchanged],
            kind=REPAIR,
            lane=Lane.BULK,
            on_duplicate=OnDuplicate.REPROCESS,
            known_only=True,
        )
        if admitted:
            done.job_ids.append(admitted[0].job_id)
            done.documents_queued += len(admitted)


def stores_do_not_match(problems: Sequence[str]) -> StoresDoNotMatch:
    """Returns the error whose message names the mismatched stores."""
    return StoresDoNotMatch(f"{' '.join(problems)} {StoresDoNotMatch().message}")
