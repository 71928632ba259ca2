"""Compares PostgreSQL, Milvus and the blob store, and repairs what differs.

PostgreSQL is asked before the others list what they hold, and again after that: what a task works
on at one of these times, or has worked on between them, is never taken for a difference. Orphans
are deleted by `stores.consistency.orphans`, and only if the stores belong to the same library. What
is missing is read again from the PDF, as a new version: until that one is complete, searches find
what there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
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

STUCK_SECONDS = 60.0  # a JobManager takes up what a silent worker held within seconds
PAPERS_PER_JOB = 500


class Chunks(Protocol):
    """What is asked of the vector store; it raises VectorStoreUnavailable."""

    def total(self) -> int: ...
    def contents(self) -> dict[tuple[str, int], int]: ...
    def delete_version(self, document_id: str, version: int) -> None: ...


class Identity(Protocol):
    """Says whether the stores belong to the same library; raises Unavailable."""

    async def look(self) -> StoreIdentity: ...


class Reconciler:
    """Compares the stores and repairs what differs; any number of them may do it at once."""

    def __init__(
        self,
        audit: ConsistencyQueries,
        jobs: JobStore,
        queue: TaskQueue,
        chunks: Chunks,
        blobs: BlobStore,
        identity: Identity,
        limits: DeletionLimits | None = None,
    ) -> None:
        self.audit = audit
        self.jobs = jobs
        self.queue = queue
        self.chunks = chunks
        self.blobs = blobs
        self.identity = identity
        self.limits = limits or DeletionLimits()
        self.orphans = Orphans(audit, chunks, blobs)

    async def compare(self) -> Differences:
        """Where the stores differ, and whether they belong together. Raises Unavailable."""
        found = await self._compare(chunks=True, blobs=True)
        return replace(found, identity=(await self.identity.look()).problems)

    async def repair(self, found: Differences, *, delete_orphans: bool = False) -> Repairs:
        """What was done about the differences.

        Orphans beyond the limits stay unless `delete_orphans`. Documents whose PDF is lost are left
        as they are: somebody must upload it again. Raises StoresDoNotMatch before anything is done,
        Unavailable, QueueFull.
        """
        await self.require_match()
        done = Repairs()
        if found.stuck_tasks:
            done.tasks_released = await self.queue.sweep()
        await self._delete(found, done, delete_orphans)
        await self._read_again(found.documents_to_reprocess, found.compared_at, done)
        return done

    async def mend(self, *, at_a_glance: bool = False) -> Repairs:
        """Compares documents and chunks and repairs them; no document is read again twice.

        `at_a_glance`: nothing is listed where there are as many chunks as there should be, which
        spares a Milvus Lite a second of work for 20,000 chunks. Raises StoresDoNotMatch before
        anything is done, and Unavailable.
        """
        await self.require_match()
        if at_a_glance and await self._numbers_agree():
            return Repairs()
        found, done = await self._compare(chunks=True), Repairs()
        await self._delete(found, done)
        unfit = [one.document for one in found.missing_chunks]
        repaired = await self.audit.repaired({one.document_id for one in unfit})
        fresh = [one for one in unfit if one.document_id not in repaired]
        await self._read_again(fresh, found.compared_at, done)
        return done

    async def tidy(self, trash_days: float) -> Repairs:
        """Moves unused PDFs to the trash, deletes orphan artifacts and cut-off uploads, and purges
        what has been in the trash for longer than that.

        Raises StoresDoNotMatch before anything is done, and Unavailable.
        """
        await self.require_match()
        done = Repairs()
        await self._delete(await self._compare(blobs=True), done)
        await self.orphans.purge_trash(trash_days, done)
        return done

    async def require_match(self) -> None:
        """Returns when the stores belong to the same library. Raises StoresDoNotMatch."""
        if problems := (await self.identity.look()).problems:
            raise stores_do_not_match(problems)

    async def _compare(self, *, chunks: bool = False, blobs: bool = False) -> Differences:
        began = await self.audit.now()
        touched = await self.audit.touched(began)
        comparison = Comparison(
            StoreSnapshot(
                chunks=await asyncio.to_thread(self.chunks.contents) if chunks else None,
                blobs=await asyncio.to_thread(self._listed) if blobs else None,
            )
        )
        async for page in self._pages():
            comparison.look(page)
        touched |= await self.audit.touched(began)
        found = comparison.differences(began, touched, await self.audit.stuck(STUCK_SECONDS))
        return replace(found, missing_blobs=await asyncio.to_thread(self._lost, found))

    async def _numbers_agree(self) -> bool:
        stored = await asyncio.to_thread(self.chunks.total)
        return stored == await self.audit.shown_chunks()

    def _listed(self) -> Sequence[ListedBlob]:
        return list(self.blobs.listed())

    def _lost(self, found: Differences) -> list[DocumentState]:
        """The documents whose PDF is not in the trash either; one that is there is restored."""
        return [one for one in found.missing_blobs if not self.blobs.exists(pdf_key(one.sha256))]

    async def _pages(self) -> AsyncIterator[list[DocumentState]]:
        page = await self.audit.page()
        while page:
            yield page
            page = await self.audit.page(after=page[-1].document_id)

    async def _delete(self, found: Differences, done: Repairs, anything: bool = False) -> None:
        """The orphans are gone, unless there are more than the limits allow."""
        done.deletion_refused = None if anything else found.excess(self.limits)
        if done.deletion_refused is None:
            await self.orphans.delete_chunks(found, done)
            await self.orphans.delete_blobs(found, done)

    async def _read_again(
        self, unfit: Iterable[DocumentState], compared_at: datetime, done: Repairs
    ) -> None:
        by_collection = sorted(unfit, key=lambda one: one.collection)
        for collection, papers in groupby(by_collection, key=lambda one: one.collection):
            for some in batches(list(papers), PAPERS_PER_JOB):
                await self._queue(collection, some, compared_at, done)

    async def _queue(
        self, collection: str, some: Sequence[DocumentState], compared_at: datetime, done: Repairs
    ) -> None:
        """A job for those of the documents that are still as they were."""
        names = {one.document_id for one in some}
        touched = await self.audit.touched(compared_at, names)
        known = await self.audit.some(names)
        same = [
            one
            for one in some
            if known.get(one.document_id) == one and one.document_id not in touched
        ]
        if not same:
            return
        admitted = await self.jobs.admit(
            collection,
            [Upload(one.filename, one.sha256, one.bytes) for one in same],
            kind=REPAIR,
            lane=Lane.BULK,
            on_duplicate=OnDuplicate.REPROCESS,
            known_only=True,
        )
        if admitted:
            done.job_ids.append(admitted[0].job_id)
            done.documents_queued += len(admitted)


def stores_do_not_match(problems: Sequence[str]) -> StoresDoNotMatch:
    """The error that names which stores do not belong together."""
    return StoresDoNotMatch(f"{' '.join(problems)} {StoresDoNotMatch().message}")
