"""Reconciler: injected differences are found and repaired, on PostgreSQL and Milvus Lite."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from domain.consistency import DeletionLimits, Differences, Repairs
from domain.jobs import JobStatus, Lane, OnDuplicate, Task, Upload
from stores.blobs.blob_store import BlobStore, artifact_key, pdf_key
from stores.consistency.consistency_queries import REPAIR, ConsistencyQueries
from stores.consistency.reconcile import STUCK_SECONDS, Reconciler
from stores.consistency.store_identity import IdentityCheck
from stores.milvus.vector_store import VectorStore
from stores.postgres.database import Database
from stores.postgres.library_record import LibraryStore
from tests.records import make_chunk
from tests.stores.milvus import DIMENSION, MilvusLite, connect
from tests.stores.postgres import Stores, postgres_stores
from tests.stores.work import DONE, LEASE, admit
from tests.timing import make_older

HOUR = 3600


@dataclass
class Harness:
    """The stores, a reconciler, and a scripted worker."""

    database: Database
    stores: Stores
    vectors: VectorStore
    blobs: BlobStore
    root: Path
    identity: IdentityCheck
    limits: DeletionLimits = field(default_factory=DeletionLimits)

    @property
    def reconciler(self) -> Reconciler:
        return Reconciler(
            ConsistencyQueries(self.database),
            self.stores.jobs,
            self.stores.queue,
            self.vectors,
            self.blobs,
            self.identity,
            self.limits,
        )

    async def compare(self) -> Differences:
        return await self.reconciler.compare()

    async def repair(self, *, delete_orphans: bool = False) -> Repairs:
        found = await self.compare()
        return await self.reconciler.repair(found, delete_orphans=delete_orphans)

    def paper(self) -> Upload:
        """Stores the PDF of a new paper."""
        source = self.root / "upload.pdf"
        source.write_bytes(b"%PDF-" + uuid.uuid4().bytes)
        blob = self.blobs.put_file(source, 1000)
        return Upload(f"{blob.sha256[:4]}.pdf", blob.sha256, blob.bytes)

    async def ready(self, chunks: int = 3, paper: Upload | None = None) -> str:
        """Adds a completed paper with this number of chunks; returns its id."""
        await admit(self.stores, paper or self.paper())
        [task] = await self.claim(Lane.INTERACTIVE)
        await self.finish(task, chunks)
        return task.document_id

    async def claim(self, lane: Lane) -> list[Task]:
        return await self.stores.queue.claim(lane, 10, worker="me", lease_seconds=LEASE)

    async def finish(self, task: Task, chunks: int) -> None:
        self.put(task.document_id, task.version, chunks)
        key = artifact_key(task.document_id, task.version, "test")
        self.blobs.put_artifact(key, b"what was read")
        await self.stores.queue.finish(task, replace(DONE, chunks=chunks, artifact_key=key))

    def put(self, document_id: str, version: int, chunks: int) -> None:
        """Writes chunks of a version into the vector store."""
        made = [make_chunk(document_id, ordinal, version=version) for ordinal in range(chunks)]
        self.vectors.upsert(made, np.ones((chunks, DIMENSION), np.float32), collection="papers")

    async def version(self, document_id: str) -> int:
        return (await self.stores.documents.get(document_id)).version

    def make_old(self, key: str) -> None:
        """Sets the age of the blob to two hours."""
        make_older(self.root / "blobs" / key, 2 * HOUR)


@pytest.fixture
async def harness(database: Database, milvus: MilvusLite, tmp_path: Path) -> AsyncIterator[Harness]:
    blobs = BlobStore(str(tmp_path / "blobs"))
    blobs.prepare()
    vectors = connect(milvus)
    vectors.prepare()
    identity = IdentityCheck(LibraryStore(database), vectors, blobs)
    await identity.stamp()
    yield Harness(database, postgres_stores(database), vectors, blobs, tmp_path, identity)
    vectors.close()


def kinds(found: Differences) -> dict[str, int]:
    return {name: count for name, count in found.counts.items() if count}


async def test_consistent_library_has_no_differences(harness: Harness) -> None:
    assert kinds(await harness.compare()) == {}
    name = await harness.ready()
    await harness.ready()
    await admit(harness.stores, harness.paper())
    await harness.stores.documents.delete(name)
    harness.vectors.delete_versions(name, 0, 9)
    harness.blobs.delete_artifacts(name, 0, 9)
    assert kinds(await harness.compare()) == {}
    assert (await harness.repair()).is_empty


@pytest.mark.parametrize("left", [0, 2])
async def test_missing_chunks_are_reingested_while_old_ones_stay_searchable(
    harness: Harness, left: int
) -> None:
    name, other = await harness.ready(), await harness.ready()
    harness.vectors.delete_versions(name, 0, 9)
    harness.put(name, 1, left) if left else None
    found = await harness.compare()
    [missing] = found.missing_chunks
    assert (missing.document.document_id, missing.expected, missing.found) == (name, 3, left)
    assert kinds(found) == {"missing_chunks": 1}
    done = await harness.reconciler.repair(found)
    assert (done.documents_queued, len(done.job_ids)) == (1, 1)
    assert harness.vectors.count(name, 1) == left and await harness.version(name) == 1
    [task] = await harness.claim(Lane.BULK)
    assert (task.document_id, task.version) == (name, 2)
    await harness.finish(task, 3)
    assert (await harness.stores.jobs.job(done.job_ids[0])).status is JobStatus.COMPLETED
    assert await harness.version(name) == 2
    assert await harness.version(other) == 1
    await harness.repair()  # the old version, left behind by its worker
    assert harness.vectors.contents() == {(name, 2): 3, (other, 1): 3}
    assert kinds(await harness.compare()) == {}


async def test_surplus_chunks_are_reingested(harness: Harness) -> None:
    name = await harness.ready(3)
    harness.put(name, 1, 5)
    found = await harness.compare()
    assert kinds(found) == {"surplus_chunks": 1}
    assert (await harness.reconciler.repair(found)).documents_queued == 1


async def test_document_with_open_repair_is_not_requeued(harness: Harness) -> None:
    name = await harness.ready()
    harness.vectors.delete_versions(name, 0, 9)
    found = await harness.compare()
    assert (await harness.reconciler.repair(found)).documents_queued == 1
    assert (await harness.reconciler.repair(found)).documents_queued == 0
    assert kinds(await harness.compare()) == {}


async def test_orphan_chunks_are_deleted(
    harness: Harness,
) -> None:
    gone, kept = await harness.ready(), await harness.ready()
    await harness.stores.documents.delete(gone)  # a worker writes chunks after that
    harness.put(kept, 7, 1)
    harness.put("doc_unknown", 1, 2)
    harness.blobs.delete_artifacts(gone, 0, 9)
    found = await harness.compare()
    assert kinds(found) == {"orphan_chunks": 3}
    assert (await harness.reconciler.repair(found)).chunks_deleted == 6
    assert harness.vectors.contents() == {(kept, 1): 3}


async def test_repair_keeps_orphans_used_since_comparison(harness: Harness) -> None:
    paper = harness.paper()
    name = await harness.ready(paper=paper)
    harness.put(name, 2, 3)
    found = await harness.compare()
    assert kinds(found) == {"orphan_chunks": 1}
    await admit(harness.stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    assert (await harness.reconciler.repair(found)).is_empty
    [task] = await harness.claim(Lane.INTERACTIVE)
    await harness.finish(task, 3)
    assert (await harness.reconciler.repair(found)).is_empty
    assert harness.vectors.count(name, 2) == 3


async def test_concurrent_work_is_no_difference(harness: Harness) -> None:
    """Papers are finished, re-ingested and deleted during the comparison."""
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            paper = harness.paper()
            name = await harness.ready(paper=paper)
            await admit(harness.stores, paper, on_duplicate=OnDuplicate.REPROCESS)
            [task] = await harness.claim(Lane.INTERACTIVE)
            await harness.finish(task, 4)
            await asyncio.to_thread(harness.vectors.delete_versions, name, 0, 1)
            harness.blobs.delete_artifacts(name, 0, 1)
            await asyncio.sleep(0)

    worker = asyncio.create_task(work())
    for _ in range(10):
        found = await harness.compare()
        assert kinds(found).keys() <= {"orphan_chunks"}  # chunks that the worker is about to delete
        assert all(one.version == 1 for one in found.orphan_chunks)
        await harness.reconciler.repair(found)
    stop.set()
    await worker
    assert kinds(await harness.compare()) == {}
    assert set(harness.vectors.contents().values()) == {4}


async def test_old_orphan_blobs_are_deleted(harness: Harness) -> None:
    name = await harness.ready()
    paper = harness.paper()
    artifact = artifact_key(name, 9, "scans")
    harness.blobs.put_artifact(artifact, b"x" * 10)
    assert kinds(await harness.compare()) == {}
    for key in (pdf_key(paper.sha256), artifact):
        harness.make_old(key)
    found = await harness.compare()
    assert kinds(found) == {"orphan_blobs": 2}
    done = await harness.reconciler.repair(found)
    assert (done.pdfs_trashed, done.blobs_deleted, done.bytes_deleted) == (1, 1, 10)
    assert kinds(await harness.compare()) == {}
    assert not harness.blobs.exists(artifact)
    assert [one.sha256 for one in harness.blobs.trashed()] == [paper.sha256]
    assert harness.blobs.exists(pdf_key(paper.sha256)), "a reader restores the PDF"


async def test_repair_keeps_pdf_uploaded_since_comparison(harness: Harness) -> None:
    paper = harness.paper()
    harness.make_old(pdf_key(paper.sha256))
    found = await harness.compare()
    assert kinds(found) == {"orphan_blobs": 1}
    await admit(harness.stores, paper)
    assert (await harness.reconciler.repair(found)).is_empty
    assert list(harness.blobs.trashed()) == []
    assert harness.blobs.exists(pdf_key(paper.sha256))


async def test_missing_artifact_is_reingested(harness: Harness) -> None:
    name = await harness.ready()
    harness.blobs.delete_artifacts(name, 0, 9)
    found = await harness.compare()
    assert kinds(found) == {"missing_artifacts": 1}
    assert (await harness.reconciler.repair(found)).documents_queued == 1
    [task] = await harness.claim(Lane.BULK)
    await harness.finish(task, 3)
    await harness.repair()
    assert kinds(await harness.compare()) == {}


async def test_lost_pdf_is_reported_until_reuploaded(
    harness: Harness,
) -> None:
    paper = harness.paper()
    name = await harness.ready(paper=paper)
    content = harness.blobs.read(pdf_key(paper.sha256))
    harness.blobs.delete(pdf_key(paper.sha256))
    found = await harness.compare()
    assert [one.document_id for one in found.missing_blobs] == [name]
    assert (await harness.reconciler.repair(found)).is_empty
    source = harness.root / "again.pdf"
    source.write_bytes(content)
    harness.blobs.put_file(source, 1000)
    assert kinds(await harness.compare()) == {}


async def test_stuck_tasks_are_requeued(harness: Harness) -> None:
    await admit(harness.stores, harness.paper())
    [task] = await harness.claim(Lane.INTERACTIVE)
    await harness.stores.advance(LEASE + STUCK_SECONDS + 1)
    found = await harness.compare()
    assert [one.task_id for one in found.stuck_tasks] == [task.task_id]
    assert kinds(found) == {"stuck_tasks": 1}
    assert (await harness.reconciler.repair(found)).tasks_released == 1
    assert kinds(await harness.compare()) == {}


async def test_reconcile_counts_only_skips_listing_if_counts_match(harness: Harness) -> None:
    name = await harness.ready(3)
    assert (await harness.reconciler.reconcile(counts_only=True)).is_empty
    harness.put("doc_unknown", 1, 3)
    harness.vectors.delete_versions(name, 0, 9)
    assert (await harness.reconciler.reconcile(counts_only=True)).is_empty
    done = await harness.reconciler.reconcile()
    assert (done.chunks_deleted, done.documents_queued) == (3, 1)


async def test_reconcile_counts_only_detects_chunks_of_stale_worker(harness: Harness) -> None:
    name = await harness.ready()
    await harness.stores.documents.delete(name)
    harness.vectors.delete_versions(name, 0, 9)
    harness.put(name, 1, 3)
    assert (await harness.reconciler.reconcile(counts_only=True)).chunks_deleted == 3
    assert harness.vectors.contents() == {}


async def test_reconcile_deletes_orphans_and_reingests_once(
    harness: Harness,
) -> None:
    name = await harness.ready()
    harness.vectors.delete_versions(name, 0, 9)
    harness.put("doc_unknown", 1, 2)
    done = await harness.reconciler.reconcile()
    assert (done.chunks_deleted, done.documents_queued) == (2, 1)
    assert (await harness.stores.jobs.job(done.job_ids[0])).kind == REPAIR
    [task] = await harness.claim(Lane.BULK)
    await harness.finish(task, 3)
    harness.vectors.delete_versions(
        name, 0, 9
    )  # lost again after a repair: not repaired a second time
    assert kinds(await harness.compare()) == {"missing_chunks": 1}
    assert (await harness.reconciler.reconcile()).is_empty
    assert (await harness.repair()).documents_queued == 1


async def test_repair_creates_one_job_per_collection(harness: Harness) -> None:
    for collection in ("a", "b", "a"):
        await admit(harness.stores, harness.paper(), collection=collection)
        [task] = await harness.claim(Lane.INTERACTIVE)
        await harness.finish(task, 3)
        harness.vectors.delete_versions(task.document_id, 0, 9)
    done = await harness.repair()
    assert done.documents_queued == 3
    jobs = [await harness.stores.jobs.job(job_id) for job_id in done.job_ids]
    assert sorted((job.collection, job.counts.total) for job in jobs) == [("a", 2), ("b", 1)]
    assert {(job.kind, job.lane) for job in jobs} == {(REPAIR, Lane.BULK)}


@pytest.mark.parametrize(("kept", "is_refused"), [(13, True), (16, False)])
async def test_orphans_beyond_limits_are_kept_unless_forced(
    harness: Harness, kept: int, is_refused: bool
) -> None:
    """Three orphans exceed the absolute limit of two, with and without exceeding a fifth of all."""
    harness.limits = DeletionLimits(derived=2, derived_share=0.17)
    name = await harness.ready(kept)
    harness.vectors.delete_versions(name, 0, 9)
    harness.put(name, 1, kept - 1)
    harness.put("doc_unknown", 1, 3)
    refused = f"3 of {kept + 2} chunks" if is_refused else None
    assert (await harness.compare()).excess(harness.limits) == refused
    done = await harness.reconciler.reconcile()
    assert (done.deletion_refused, done.chunks_deleted) == (refused, 0 if is_refused else 3)
    assert done.documents_queued == 1, "missing chunks are repaired nevertheless"
    assert (await harness.repair()).deletion_refused == refused
    if is_refused:
        assert (await harness.repair(delete_orphans=True)).chunks_deleted == 3
    assert harness.vectors.contents().get(("doc_unknown", 1)) is None
