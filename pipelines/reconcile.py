"""PostgreSQL, Milvus and the blobs brought back to one mind.

PostgreSQL is asked before the others list what they hold, and again after that: what somebody works
on at one of these times, or has worked on between them, is never taken for a difference. Nothing is
deleted before PostgreSQL was asked about it once more, and what is missing is read again from the
PDF, as a new version: until that one is complete, searches find what there is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Protocol, TypeVar

from domain.consistency import Differences, Holding, ListedBlob, OrphanChunks, Repairs
from domain.jobs import Lane, OnDuplicate, Upload
from pipelines.compare import ORPHAN_AFTER_SECONDS, Comparison, Shelves
from stores.blob_store import BlobStore, owner_of
from stores.job_store import JobStore
from stores.library_audit import REPAIR, LibraryAudit
from stores.task_queue import TaskQueue

log = logging.getLogger(__name__)
STUCK_SECONDS = 60.0  # a JobManager takes up what a silent worker held within seconds
PAPERS_PER_JOB = 500
AT_ONCE = 20  # orphans deleted after one look into the database

Item = TypeVar("Item")


class Chunks(Protocol):
    """What is asked of the vector store; it raises VectorStoreUnavailable."""

    def total(self) -> int: ...
    def contents(self) -> dict[tuple[str, int], int]: ...
    def delete_version(self, document_id: str, version: int) -> None: ...


class Reconciler:
    """Compares the stores and mends what differs; any number of them may do it at once.

    Without `blobs` only documents and chunks are compared.
    """

    def __init__(
        self,
        audit: LibraryAudit,
        jobs: JobStore,
        queue: TaskQueue,
        chunks: Chunks,
        blobs: BlobStore | None = None,
    ) -> None:
        self.audit = audit
        self.jobs = jobs
        self.queue = queue
        self.chunks = chunks
        self.blobs = blobs

    async def compare(self) -> Differences:
        """Where the stores differ. Raises Unavailable."""
        began = await self.audit.now()
        touched = await self.audit.touched(began)
        comparison = Comparison(
            Shelves(
                chunks=await asyncio.to_thread(self.chunks.contents),
                blobs=await asyncio.to_thread(self._listed),
            )
        )
        async for page in self._pages():
            comparison.look(page)
        touched |= await self.audit.touched(began)
        stuck = await self.audit.stuck(STUCK_SECONDS)
        return comparison.differences(began, touched, stuck)

    async def repair(self, found: Differences) -> Repairs:
        """What was done about the differences. Raises Unavailable, QueueFull.

        Documents whose PDF is lost are left as they are: somebody must upload it again.
        """
        done = Repairs()
        if found.stuck_tasks:
            done.tasks_released = await self.queue.sweep()
        await self._delete_chunks(found, done)
        await self._delete_blobs(found.orphan_blobs, done)
        await self._read_again(found.to_read_again, found.compared_at, done)
        return done

    async def mend(self, *, at_a_glance: bool = False) -> Repairs:
        """As `compare` and `repair`, for who does it unasked: no document is read again twice.

        `at_a_glance`: nothing is listed where there are as many chunks as there should be, which
        spares a Milvus Lite a second of work for 20,000 chunks. Raises Unavailable.
        """
        if at_a_glance and await self._numbers_agree():
            return Repairs()
        found, done = await self.compare(), Repairs()
        await self._delete_chunks(found, done)
        unfit = [one.holding for one in found.missing_chunks]
        repaired = await self.audit.repaired({one.document_id for one in unfit})
        fresh = [one for one in unfit if one.document_id not in repaired]
        await self._read_again(fresh, found.compared_at, done)
        return done

    async def _numbers_agree(self) -> bool:
        stored = await asyncio.to_thread(self.chunks.total)
        return stored == await self.audit.shown_chunks()

    def _listed(self) -> Sequence[ListedBlob] | None:
        return None if self.blobs is None else list(self.blobs.listed())

    async def _pages(self) -> AsyncIterator[list[Holding]]:
        page = await self.audit.page()
        while page:
            yield page
            page = await self.audit.page(after=page[-1].document_id)

    async def _delete_chunks(self, found: Differences, done: Repairs) -> None:
        for some in _batches(found.orphan_chunks, AT_ONCE):
            for one in await self._still_orphans(some, found.compared_at):
                await asyncio.to_thread(self.chunks.delete_version, one.document_id, one.version)
                done.chunks_deleted += one.chunks

    async def _still_orphans(
        self, some: Sequence[OrphanChunks], compared_at: datetime
    ) -> list[OrphanChunks]:
        names = {one.document_id for one in some}
        touched = await self.audit.touched(compared_at, names)
        known = await self.audit.some(names)
        shown = {(one.document_id, one.version) for one in known.values() if one.is_shown}
        return [
            one
            for one in some
            if one.document_id not in touched and (one.document_id, one.version) not in shown
        ]

    async def _delete_blobs(self, orphans: Sequence[ListedBlob], done: Repairs) -> None:
        if self.blobs is None:
            return
        for some in _batches(orphans, AT_ONCE):
            wanted = await self.audit.in_use({str(owner_of(blob.key)) for blob in some})
            for blob in some:
                if owner_of(blob.key) not in wanted and await asyncio.to_thread(
                    self.blobs.delete_older, blob.key, ORPHAN_AFTER_SECONDS
                ):
                    done.blobs_deleted += 1
                    done.bytes_deleted += blob.bytes

    async def _read_again(
        self, unfit: Iterable[Holding], compared_at: datetime, done: Repairs
    ) -> None:
        by_collection = sorted(unfit, key=lambda one: one.collection)
        for collection, papers in groupby(by_collection, key=lambda one: one.collection):
            for some in _batches(list(papers), PAPERS_PER_JOB):
                await self._queue(collection, some, compared_at, done)

    async def _queue(
        self, collection: str, some: Sequence[Holding], compared_at: datetime, done: Repairs
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


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
