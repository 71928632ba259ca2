"""Differences made on purpose, found and mended: on twins, and on PostgreSQL and Milvus Lite."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from domain.consistency import DeletionLimits, Differences, Repairs
from domain.documents import Chunk, ChunkKind, chunk_id
from domain.jobs import JobStatus, Lane, OnDuplicate, Task, Upload
from domain.papers import Box
from stores.blobs.blob_store import BlobStore, artifact_key, pdf_key
from stores.consistency.consistency_queries import REPAIR, ConsistencyQueries
from stores.consistency.reconcile import STUCK_SECONDS, Reconciler
from stores.consistency.store_identity import IdentityCheck
from stores.milvus.vector_store import VectorStore
from stores.postgres.job_store import JobStore
from stores.postgres.library_record import LibraryStore
from tests.fakes.in_memory_audit import InMemoryLibrary, InMemoryLibraryAudit
from tests.fakes.in_memory_vectors import InMemoryVectorStore
from tests.stores.postgres import Stores
from tests.stores.work import DONE, LEASE, admit

if TYPE_CHECKING:
    from tests.stores.conftest import MilvusLite

DIMENSION = 8
HOUR = 3600


@dataclass
class House:
    """The stores, a reconciler over them, and a worker that does what it is told."""

    stores: Stores
    vectors: VectorStore | InMemoryVectorStore
    blobs: BlobStore
    root: Path
    identity: IdentityCheck
    limits: DeletionLimits = field(default_factory=DeletionLimits)

    @property
    def reconciler(self) -> Reconciler:
        jobs = self.stores.jobs
        is_real = isinstance(jobs, JobStore)
        audit = ConsistencyQueries(jobs.database) if is_real else InMemoryLibraryAudit(jobs.state)
        return Reconciler(
            audit,
            jobs,
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
        """The bytes of a new paper, stored."""
        source = self.root / "upload.pdf"
        source.write_bytes(b"%PDF-" + uuid.uuid4().bytes)
        blob = self.blobs.put_file(source, 1000)
        return Upload(f"{blob.sha256[:4]}.pdf", blob.sha256, blob.bytes)

    async def ready(self, chunks: int = 3, paper: Upload | None = None) -> str:
        """The id of a new paper with so many chunks, done."""
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
        """So many chunks of that version are in the vector store."""
        made = [_chunk(document_id, version, ordinal) for ordinal in range(chunks)]
        self.vectors.upsert(made, np.ones((chunks, DIMENSION), np.float32), collection="papers")

    async def version(self, document_id: str) -> int:
        return (await self.stores.documents.get(document_id)).version

    def grow_old(self, key: str) -> None:
        """The blob was written two hours ago."""
        path = self.root / "blobs" / key
        then = path.stat().st_mtime - 2 * HOUR
        os.utime(path, (then, then))


def _chunk(document_id: str, version: int, ordinal: int) -> Chunk:
    return Chunk(
        chunk_id=chunk_id(document_id, version, ordinal, "text", "Some text."),
        document_id=document_id,
        version=version,
        ordinal=ordinal,
        kind=ChunkKind.TEXT,
        text="Some text.",
        section=None,
        boxes=(Box(1, 1, 1, 2, 2),),
    )


@pytest.fixture
async def house(
    stores: Stores, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[House]:
    blobs = BlobStore(str(tmp_path / "blobs"))
    blobs.prepare()
    if not isinstance(stores.jobs, JobStore):
        memory = InMemoryVectorStore(DIMENSION)
        identity = IdentityCheck(InMemoryLibrary(stores.jobs.state), memory, blobs)
        await identity.stamp()
        yield House(stores, memory, blobs, tmp_path, identity)
        return
    server: MilvusLite = request.getfixturevalue("milvus")
    name = f"test_{uuid.uuid4().hex[:8]}"
    vectors = VectorStore(server.uri, server.token, name=name, dimension=DIMENSION, model="test")
    vectors.prepare()
    identity = IdentityCheck(LibraryStore(stores.jobs.database), vectors, blobs)
    await identity.stamp()
    yield House(stores, vectors, blobs, tmp_path, identity)
    vectors.close()


def kinds(found: Differences) -> dict[str, int]:
    return {name: count for name, count in found.counts.items() if count}


async def test_a_library_in_order_has_no_differences(house: House) -> None:
    assert kinds(await house.compare()) == {}
    name = await house.ready()
    await house.ready()
    await admit(house.stores, house.paper())
    await house.stores.documents.delete(name)
    house.vectors.delete_versions(name, 0, 9)
    house.blobs.delete_artifacts(name, 0, 9)
    assert kinds(await house.compare()) == {}
    assert (await house.repair()).is_empty


@pytest.mark.parametrize("left", [0, 2])
async def test_missing_chunks_are_read_again_while_the_old_ones_stay(
    house: House, left: int
) -> None:
    name, other = await house.ready(), await house.ready()
    house.vectors.delete_versions(name, 0, 9)
    house.put(name, 1, left) if left else None
    found = await house.compare()
    [missing] = found.missing_chunks
    assert (missing.document.document_id, missing.expected, missing.found) == (name, 3, left)
    assert kinds(found) == {"missing_chunks": 1}
    done = await house.reconciler.repair(found)
    assert (done.documents_queued, len(done.job_ids)) == (1, 1)
    assert house.vectors.count(name, 1) == left and await house.version(name) == 1
    [task] = await house.claim(Lane.BULK)
    assert (task.document_id, task.version) == (name, 2)
    await house.finish(task, 3)
    assert (await house.stores.jobs.job(done.job_ids[0])).status is JobStatus.COMPLETED
    assert await house.version(name) == 2
    assert await house.version(other) == 1
    await house.repair()  # the old version, which its worker may have left
    assert house.vectors.contents() == {(name, 2): 3, (other, 1): 3}
    assert kinds(await house.compare()) == {}


async def test_more_chunks_than_there_should_be_are_read_again_too(house: House) -> None:
    name = await house.ready(3)
    house.put(name, 1, 5)
    found = await house.compare()
    assert kinds(found) == {"surplus_chunks": 1}
    assert (await house.reconciler.repair(found)).documents_queued == 1


async def test_what_is_read_again_already_is_not_read_again_once_more(house: House) -> None:
    name = await house.ready()
    house.vectors.delete_versions(name, 0, 9)
    found = await house.compare()
    assert (await house.reconciler.repair(found)).documents_queued == 1
    assert (await house.reconciler.repair(found)).documents_queued == 0
    assert kinds(await house.compare()) == {}


async def test_chunks_of_deleted_and_unknown_documents_and_old_versions_go(house: House) -> None:
    gone, kept = await house.ready(), await house.ready()
    await house.stores.documents.delete(gone)  # and a worker writes its chunks after that
    house.put(kept, 7, 1)
    house.put("doc_unknown", 1, 2)
    house.blobs.delete_artifacts(gone, 0, 9)
    found = await house.compare()
    assert kinds(found) == {"orphan_chunks": 3}
    assert (await house.reconciler.repair(found)).chunks_deleted == 6
    assert house.vectors.contents() == {(kept, 1): 3}


async def test_what_became_wanted_after_the_comparison_stays(house: House) -> None:
    paper = house.paper()
    name = await house.ready(paper=paper)
    house.put(name, 2, 3)
    found = await house.compare()
    assert kinds(found) == {"orphan_chunks": 1}
    await admit(house.stores, paper, on_duplicate=OnDuplicate.REPROCESS)
    assert (await house.reconciler.repair(found)).is_empty
    [task] = await house.claim(Lane.INTERACTIVE)
    await house.finish(task, 3)
    assert (await house.reconciler.repair(found)).is_empty
    assert house.vectors.count(name, 2) == 3


async def test_work_that_goes_on_is_no_difference(house: House) -> None:
    """A worker finishes papers, reads them again and deletes them while stores are compared."""
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            paper = house.paper()
            name = await house.ready(paper=paper)
            await admit(house.stores, paper, on_duplicate=OnDuplicate.REPROCESS)
            [task] = await house.claim(Lane.INTERACTIVE)
            await house.finish(task, 4)
            await asyncio.to_thread(house.vectors.delete_versions, name, 0, 1)
            house.blobs.delete_artifacts(name, 0, 1)
            await asyncio.sleep(0)

    worker = asyncio.create_task(work())
    for _ in range(10):
        found = await house.compare()
        assert kinds(found).keys() <= {"orphan_chunks"}  # those that the worker is about to delete
        assert all(one.version == 1 for one in found.orphan_chunks)
        await house.reconciler.repair(found)
    stop.set()
    await worker
    assert kinds(await house.compare()) == {}
    assert set(house.vectors.contents().values()) == {4}


async def test_orphan_blobs_go_when_they_are_old(house: House) -> None:
    name = await house.ready()
    paper = house.paper()
    artifact = artifact_key(name, 9, "scans")
    house.blobs.put_artifact(artifact, b"x" * 10)
    assert kinds(await house.compare()) == {}
    for key in (pdf_key(paper.sha256), artifact):
        house.grow_old(key)
    found = await house.compare()
    assert kinds(found) == {"orphan_blobs": 2}
    done = await house.reconciler.repair(found)
    assert (done.pdfs_trashed, done.blobs_deleted, done.bytes_deleted) == (1, 1, 10)
    assert kinds(await house.compare()) == {}
    assert not house.blobs.exists(artifact)
    assert [one.sha256 for one in house.blobs.trashed()] == [paper.sha256]
    assert house.blobs.exists(pdf_key(paper.sha256)), "a reader that misses it restores it"


async def test_a_pdf_that_is_uploaded_after_the_comparison_stays(house: House) -> None:
    paper = house.paper()
    house.grow_old(pdf_key(paper.sha256))
    found = await house.compare()
    assert kinds(found) == {"orphan_blobs": 1}
    await admit(house.stores, paper)
    assert (await house.reconciler.repair(found)).is_empty
    assert list(house.blobs.trashed()) == []
    assert house.blobs.exists(pdf_key(paper.sha256))


async def test_a_lost_artifact_is_made_again(house: House) -> None:
    name = await house.ready()
    house.blobs.delete_artifacts(name, 0, 9)
    found = await house.compare()
    assert kinds(found) == {"missing_artifacts": 1}
    assert (await house.reconciler.repair(found)).documents_queued == 1
    [task] = await house.claim(Lane.BULK)
    await house.finish(task, 3)
    await house.repair()
    assert kinds(await house.compare()) == {}


async def test_a_lost_pdf_is_said_and_left_until_somebody_uploads_it_again(house: House) -> None:
    paper = house.paper()
    name = await house.ready(paper=paper)
    content = house.blobs.read(pdf_key(paper.sha256))
    house.blobs.delete(pdf_key(paper.sha256))
    found = await house.compare()
    assert [one.document_id for one in found.missing_blobs] == [name]
    assert (await house.reconciler.repair(found)).is_empty
    source = house.root / "again.pdf"
    source.write_bytes(content)
    house.blobs.put_file(source, 1000)
    assert kinds(await house.compare()) == {}


async def test_stuck_tasks_go_back_to_the_queue(house: House) -> None:
    await admit(house.stores, house.paper())
    [task] = await house.claim(Lane.INTERACTIVE)
    await house.stores.advance(LEASE + STUCK_SECONDS + 1)
    found = await house.compare()
    assert [one.task_id for one in found.stuck_tasks] == [task.task_id]
    assert kinds(found) == {"stuck_tasks": 1}
    assert (await house.reconciler.repair(found)).tasks_released == 1
    assert kinds(await house.compare()) == {}


async def test_a_glance_sees_only_numbers_that_differ(house: House) -> None:
    name = await house.ready(3)
    assert (await house.reconciler.mend(at_a_glance=True)).is_empty
    house.put("doc_unknown", 1, 3)
    house.vectors.delete_versions(name, 0, 9)
    assert (await house.reconciler.mend(at_a_glance=True)).is_empty
    done = await house.reconciler.mend()
    assert (done.chunks_deleted, done.documents_queued) == (3, 1)


async def test_a_glance_sees_what_a_zombie_wrote(house: House) -> None:
    name = await house.ready()
    await house.stores.documents.delete(name)
    house.vectors.delete_versions(name, 0, 9)
    house.put(name, 1, 3)
    assert (await house.reconciler.mend(at_a_glance=True)).chunks_deleted == 3
    assert house.vectors.contents() == {}


async def test_who_mends_unasked_sweeps_orphans_and_reads_a_paper_again_once(house: House) -> None:
    name = await house.ready()
    house.vectors.delete_versions(name, 0, 9)
    house.put("doc_unknown", 1, 2)
    done = await house.reconciler.mend()
    assert (done.chunks_deleted, done.documents_queued) == (2, 1)
    assert (await house.stores.jobs.job(done.job_ids[0])).kind == REPAIR
    [task] = await house.claim(Lane.BULK)
    await house.finish(task, 3)
    house.vectors.delete_versions(name, 0, 9)  # lost once more: that is not by chance
    assert kinds(await house.compare()) == {"missing_chunks": 1}
    assert (await house.reconciler.mend()).is_empty
    assert (await house.repair()).documents_queued == 1


async def test_papers_are_read_again_as_a_job_for_each_collection(house: House) -> None:
    for collection in ("a", "b", "a"):
        await admit(house.stores, house.paper(), collection=collection)
        [task] = await house.claim(Lane.INTERACTIVE)
        await house.finish(task, 3)
        house.vectors.delete_versions(task.document_id, 0, 9)
    done = await house.repair()
    assert done.documents_queued == 3
    jobs = [await house.stores.jobs.job(job_id) for job_id in done.job_ids]
    assert sorted((job.collection, job.counts.total) for job in jobs) == [("a", 2), ("b", 1)]
    assert {(job.kind, job.lane) for job in jobs} == {(REPAIR, Lane.BULK)}


@pytest.mark.parametrize(("kept", "is_refused"), [(13, True), (16, False)])
async def test_many_orphan_chunks_stay_until_somebody_wants_them_gone(
    house: House, kept: int, is_refused: bool
) -> None:
    """Three orphans of more than two, and of more, or less, than a fifth of all."""
    house.limits = DeletionLimits(derived=2, derived_share=0.17)
    name = await house.ready(kept)
    house.vectors.delete_versions(name, 0, 9)
    house.put(name, 1, kept - 1)
    house.put("doc_unknown", 1, 3)
    refused = f"3 of {kept + 2} chunks" if is_refused else None
    assert (await house.compare()).excess(house.limits) == refused
    done = await house.reconciler.mend()
    assert (done.deletion_refused, done.chunks_deleted) == (refused, 0 if is_refused else 3)
    assert done.documents_queued == 1, "what is missing is read again all the same"
    assert (await house.repair()).deletion_refused == refused
    if is_refused:
        assert (await house.repair(delete_orphans=True)).chunks_deleted == 3
    assert house.vectors.contents().get(("doc_unknown", 1)) is None
