"""Interleavings of upload, deletion, re-ingestion, worker and cleanup on PostgreSQL and a real blob
folder: an accepted paper keeps its PDF, its chunks and its artifact.

Every process pauses before each of its steps (a transaction, a call of the blob store or the vector
store) until the schedule resumes it. Processes that wait for a lock are skipped.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from actors.store_cleanup import StoreCleanup
from domain.deletions import StoreDeletion, VersionRange
from domain.documents import document_id
from domain.errors import LeaseLost, NotFound
from domain.jobs import Lane, OnDuplicate, Task, Upload
from stores.blobs.blob_store import BlobStore, artifact_key, pdf_key
from stores.postgres.database import Database
from stores.postgres.deletion_queue import DeletionQueue
from tests.fakes.in_memory_vectors import InMemoryVectorStore
from tests.records import make_chunk
from tests.stores.postgres import Stores, postgres_stores
from tests.stores.work import DONE, LEASE

HOME = "papers"
BLOCKED_SECONDS = 0.3  # a longer step is waiting for a lock
STEPS = 60


class Process:
    """A coroutine that runs step by step under the control of the schedule."""

    def __init__(self, main: Callable[[Process], Awaitable[Any]]) -> None:
        self.loop = asyncio.get_running_loop()
        self._turn = asyncio.Semaphore(0)
        self._paused = asyncio.Event()
        self._main = main
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> Any:
        await self.pause()
        return await self._main(self)

    async def pause(self) -> None:
        """Waits until the schedule resumes the process."""
        self._paused.set()
        await self._turn.acquire()
        self._paused.clear()

    def pause_thread(self) -> None:
        """Like `pause`, for a thread of the process."""
        asyncio.run_coroutine_threadsafe(self.pause(), self.loop).result()

    async def step(self) -> None:
        """Runs one step; returns when it is done or waits for a lock of another process."""
        if self._paused.is_set():
            self._turn.release()
            await asyncio.sleep(0)
        waiting = asyncio.ensure_future(self._paused.wait())
        both = {waiting, self.task}
        await asyncio.wait(both, timeout=BLOCKED_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()


class SteppedQueue(DeletionQueue):
    """A deletion queue that pauses before each transaction."""

    def __init__(self, database: Database, process: Process) -> None:
        super().__init__(database)
        self.process = process

    async def claim(self, limit: int, hide_seconds: float) -> list[StoreDeletion]:
        await self.process.pause()
        return await super().claim(limit, 0)  # another cleanup may claim the same rows at once

    async def complete(self, deletion_ids: Sequence[int]) -> None:
        await self.process.pause()
        await super().complete(deletion_ids)

    async def pdfs_in_use(self, digests: Collection[str]) -> set[str]:
        await self.process.pause()
        return await super().pdfs_in_use(digests)


class SteppedStores:
    """The stores of the cleanup; pauses before each call if it has a process."""

    def __init__(self, harness: Harness, process: Process | None = None) -> None:
        self.harness = harness
        self.process = process

    def _pause(self) -> None:
        if self.process is not None:
            self.process.pause_thread()

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None:
        """Deletes chunks, then artifacts."""
        for one in ranges:
            self._pause()
            self.harness.vectors.delete_versions(one.document_id, one.first, one.last)
            self._pause()
            self.harness.blobs.delete_artifacts(one.document_id, one.first, one.last)

    def trash_pdf(self, sha256: str) -> bool:
        """Like `BlobStore.trash_pdf`."""
        self._pause()
        return self.harness.blobs.trash_pdf(sha256)

    def restore_pdf(self, sha256: str) -> bool:
        """Like `BlobStore.restore_pdf`."""
        self._pause()
        return self.harness.blobs.restore_pdf(sha256)


class Harness:
    """The stores, and concurrent processes that all use the same paper."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.pdf = b"%PDF-1.7\n" + folder.name.encode()
        self.sha256 = hashlib.sha256(self.pdf).hexdigest()
        self.paper = Upload("paper.pdf", self.sha256, len(self.pdf))
        self.database = database
        self.stores: Stores = postgres_stores(database)
        self.folder = folder
        self.blobs = BlobStore(str(folder))
        self.blobs.prepare()
        self.vectors = InMemoryVectorStore(2)
        self.commits: list[tuple[str, str]] = []  # in the order of their creation

    async def upload(
        self, process: Process, collection: str, policy: OnDuplicate, key: str | None
    ) -> None:
        """Uploads the paper like the API."""
        with await self.blobs.stage_stream(self.pieces(), 1000) as staged:

            async def commit() -> None:
                await process.pause()
                await asyncio.to_thread(staged.commit)
                await process.pause()

            options: dict[str, Any] = {"on_duplicate": policy, "before_commit": commit}
            if key is None:
                await self.stores.jobs.admit(collection, [self.paper], **options)
            else:
                await self.stores.jobs.admit_once(
                    collection, [self.paper], job_id=key, request_digest="x", **options
                )
            self.commits.append(("upload", document_id(collection, self.sha256)))

    async def reingest(self, process: Process) -> None:
        """Re-ingests the paper, like a client or the reconciler."""
        found = await self.stores.documents.active([document_id(HOME, self.sha256)])
        await process.pause()
        if found:
            await self.stores.jobs.admit(
                HOME, [self.paper], on_duplicate=OnDuplicate.REPROCESS, known_only=True
            )

    async def delete(self, process: Process) -> None:
        """Deletes the paper like the API."""
        with suppress(NotFound):
            name = document_id(HOME, self.sha256)
            self.commits.append(("delete begins", name))
            await self.stores.documents.delete(name)

    async def clean_up(self, process: Process) -> None:
        """Runs the cleanup twice."""
        queue = SteppedQueue(self.database, process)
        cleanup = StoreCleanup(queue, SteppedStores(self, process), 1)
        for _ in range(2):
            await cleanup.run_once()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yields the body of an upload."""
        yield self.pdf

    async def begin(self) -> None:
        """Adds the paper and makes it searchable."""
        with await self.blobs.stage_stream(self.pieces(), 1000) as staged:
            staged.commit()
        await self.stores.jobs.admit(HOME, [self.paper])
        for task in await self.claim():
            await self.read(task, _no_pause)

    async def work(self, process: Process) -> None:
        """Processes due tasks, twice."""
        for _ in range(2):
            await process.pause()
            for task in await self.claim():
                await self.read(task, process.pause)

    async def claim(self) -> list[Task]:
        return await self.stores.queue.claim(
            Lane.INTERACTIVE, 10, worker="worker", lease_seconds=LEASE
        )

    async def read(self, task: Task, pause: Callable[[], Awaitable[None]]) -> None:
        """Reads the PDF, writes a chunk and an artifact, and finishes the task."""
        await pause()
        assert self.blobs.read(pdf_key(self.sha256)) == self.pdf
        await pause()
        chunk = make_chunk(task.document_id, version=task.version)
        self.vectors.upsert([chunk], np.ones((1, 2)), collection=task.collection)
        await pause()
        key = artifact_key(task.document_id, task.version, "test")
        self.blobs.put_artifact(key, b"what was read")
        await pause()
        try:
            await self.stores.queue.finish(task, replace(DONE, chunks=1, artifact_key=key))
        except LeaseLost:
            await pause()
            await self.stores.deletions.discard_if_unused(task.document_id, task.version)

    async def run_to_completion(self) -> None:
        """Runs all tasks and deletions to completion."""
        while tasks := await self.claim():
            for task in tasks:
                await self.read(task, _no_pause)
        cleanup = StoreCleanup(DeletionQueue(self.database), SteppedStores(self), 1)
        while await cleanup.run_once():
            pass

    async def check(self) -> None:
        """Asserts that an accepted paper is complete and no other data remains."""
        active = await self.stores.documents.active(
            [document_id(name, self.sha256) for name in (HOME, "other")]
        )
        for name in {name for act, name in self.commits if act == "upload"}:
            acts = [act for act, of in self.commits if of == name]
            if acts[-1] == "upload" and "delete begins" not in acts:
                assert name in active, "an accepted paper that was not deleted must exist"
        shown = {(one.document_id, one.version): 1 for one in active.values()}
        assert self.vectors.contents() == shown
        kept = {artifact_key(*version, "test") for version in shown}
        kept |= {pdf_key(self.sha256)} if active else set()
        assert {blob.key for blob in self.blobs.listed()} == kept
        assert all(one.status == "ready" for one in active.values())
        if active:
            assert self.blobs.read(pdf_key(self.sha256)) == self.pdf


async def _no_pause() -> None:
    """Does not pause."""


async def run(harness: Harness, coroutines: Sequence[Any], schedule: Sequence[int]) -> None:
    """Runs the processes in the order of the schedule, then to completion."""
    processes = [Process(main) for main in coroutines]
    await asyncio.sleep(0)
    for number in schedule:
        await processes[number % len(processes)].step()
    while not all(process.task.done() for process in processes):
        for process in processes:
            if not process.task.done():
                await process.step()
    for process in processes:
        await process.task
    await harness.run_to_completion()
    await harness.check()


CLEANUP_STEPS, UPLOAD_STEPS = 8, 3
PLACES = list(combinations_with_replacement(range(CLEANUP_STEPS + 1), UPLOAD_STEPS))


@pytest.mark.parametrize(
    ("collection", "key", "every"),
    [(HOME, None, 3), ("other", None, 6), (HOME, "job_00000000000000bb", 6)],
)
async def test_upload_interleaved_with_cleanup_after_deletion_keeps_pdf(
    database: Database, tmp_path: Path, collection: str, key: str | None, every: int
) -> None:
    """Samples every third or sixth interleaving; `every` 1 takes 20 s more."""
    for number, places in enumerate(PLACES[::every]):
        harness = Harness(database, tmp_path / str(number))
        await harness.begin()
        await harness.stores.documents.delete(document_id(HOME, harness.sha256))
        own_key = key and f"{key[:-6]}{number:06}"

        async def upload(
            process: Process, harness: Harness = harness, key: str | None = own_key
        ) -> None:
            await harness.upload(process, collection, OnDuplicate.RETURN, key)

        schedule = [
            process
            for step in range(CLEANUP_STEPS + 1)
            for process in [*[0] * places.count(step), 1]
        ]
        await run(harness, [upload, harness.clean_up], schedule)
        assert len(harness.commits) == 1


UPLOADS = st.tuples(
    st.sampled_from([HOME, "other"]),
    st.sampled_from(list(OnDuplicate)[:2]),
    st.sampled_from([None, "job_"]),
)
SCHEDULES = st.lists(st.integers(0, 59), min_size=0, max_size=STEPS)


@pytest.mark.parametrize("uploads", [0, 1, 2])
async def test_accepted_paper_is_complete_in_any_interleaving(
    database: Database, tmp_path: Path, uploads: int
) -> None:
    loop, folders = asyncio.get_running_loop(), iter(range(10_000))

    def call(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result()

    @given(st.lists(UPLOADS, min_size=uploads, max_size=uploads), SCHEDULES)
    @settings(
        deadline=None,
        database=None,
        max_examples=25,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        phases=[Phase.explicit, Phase.generate],
    )
    def holds(wanted: list[Any], schedule: list[int]) -> None:
        async def example() -> None:
            harness = Harness(database, tmp_path / str(next(folders)))
            others = [
                lambda process, one=one, number=number: harness.upload(
                    process, one[0], one[1], one[2] and f"{one[2]}{harness.sha256[:8]}{number}"
                )
                for number, one in enumerate(wanted)
            ]
            await harness.begin()
            coroutines = [harness.delete, harness.clean_up, harness.work, harness.reingest, *others]
            await run(harness, coroutines, schedule)
            if not wanted:  # it was not uploaded again
                assert not await harness.stores.documents.active(
                    [document_id(HOME, harness.sha256)]
                )

        call(example())

    await asyncio.to_thread(holds)
