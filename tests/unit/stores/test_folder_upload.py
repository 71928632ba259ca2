"""Folder uploads: files are stored, admitted in batches, and belong to one job."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from domain.errors import NotAPdf, RefusedUpload
from domain.jobs import Job, JobStatus, Lane, StepResult
from domain.papers import Metadata
from serve_app.uploads.pdf_paths import pdfs_in
from stores.blobs.blob_store import BlobStore
from stores.folders import folder_upload as folders
from stores.folders.folder_upload import FolderFile, FolderUpload
from tests.fakes.in_memory_jobs import InMemoryStores


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "BATCH_FILES", 2)


@pytest.fixture
def stores() -> InMemoryStores:
    return InMemoryStores()


def papers(folder: Path, *contents: str) -> list[Path]:
    """Writes one file per content; an empty content is not a PDF."""
    paths = [folder / f"{number}.pdf" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(b"%PDF-1.7\n" + content.encode() if content else b"<html>")
    return paths


async def register(
    stores: InMemoryStores,
    paths: Sequence[FolderFile],
    on_registered: Callable[[int], None] | None = None,
    on_waiting: Callable[[int], None] | None = None,
    blobs: BlobStore | None = None,
) -> Job:
    """Registers the files and returns their job."""
    upload = FolderUpload(
        blobs or BlobStore(f"memory://{uuid.uuid4().hex}"),
        stores.jobs,
        1000,
        wake=lambda _lane: None,
        collection="papers",
        on_registered=on_registered or (lambda _count: None),
        on_waiting=on_waiting or (lambda _count: None),
    )
    return await stores.jobs.job(await upload.register(paths))


async def complete_tasks(stores: InMemoryStores) -> None:
    """Completes every queued task."""
    while tasks := await stores.queue.claim(Lane.BULK, 100, worker="w", lease_seconds=9):
        for task in tasks:
            await stores.queue.finish(task, StepResult(Metadata("A title"), pages=1, chunks=1))


async def test_folder_upload_creates_one_job(stores: InMemoryStores, tmp_path: Path) -> None:
    counts: list[int] = []
    job = await register(stores, papers(tmp_path, *"abcde"), counts.append)
    assert (job.kind, job.lane, job.counts.queued) == ("folder", Lane.BULK, 5)
    assert counts == [2, 4, 5]
    names = [task.filename for task in await stores.jobs.tasks(job.job_id)]
    assert names == [f"{number}.pdf" for number in range(5)]


@pytest.mark.parametrize("contents", ["aaaaa", "aa", "aa   ", " a a a ", "abab"])
async def test_folder_upload_closes_job_after_duplicates_and_rejected_files(
    stores: InMemoryStores, tmp_path: Path, contents: str
) -> None:
    await register(stores, papers(tmp_path, "a"))
    await complete_tasks(stores)
    paths = papers(tmp_path, *(item.strip() for item in contents))
    job = await register(stores, paths)
    assert job.counts.total == len(contents.replace(" ", ""))
    await complete_tasks(stores)
    assert (await stores.jobs.job(job.job_id)).status == JobStatus.COMPLETED


async def test_folder_upload_keeps_job_open_between_batches(
    stores: InMemoryStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit = stores.jobs.admit

    async def admit_and_work(*args: object, **options: object) -> object:
        admitted = await admit(*args, **options)  # pyright: ignore[reportArgumentType]
        await complete_tasks(stores)
        return admitted

    monkeypatch.setattr(stores.jobs, "admit", admit_and_work)
    job = await register(stores, papers(tmp_path, *"abcde"))
    assert (job.status, job.counts.completed) == (JobStatus.COMPLETED, 5)


async def test_folder_upload_admits_slow_files_in_small_batches(
    stores: InMemoryStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAX_BATCH_SECONDS", -1.0)
    counts: list[int] = []
    await register(stores, papers(tmp_path, "a", "", "b"), counts.append)
    assert counts == [1, 1, 2]


async def test_folder_upload_waits_while_the_queue_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "QUEUE_POLL_SECONDS", 0.01)
    stores = InMemoryStores(queue_limit=2)
    counts: list[int] = []
    waiting: list[int] = []
    waited_thrice = asyncio.Event()

    def on_waiting(registered: int) -> None:
        waiting.append(registered)
        if len(waiting) == 3:
            waited_thrice.set()

    registering = asyncio.create_task(
        register(stores, papers(tmp_path, *"abcde"), counts.append, on_waiting)
    )
    await waited_thrice.wait()
    assert counts == [2] and set(waiting) == {2}
    assert await stores.jobs.close_abandoned() == 0
    while not registering.done():
        await complete_tasks(stores)
        stores.jobs.admission_limit._known.clear()  # a second has passed
        await asyncio.sleep(0.01)
    assert counts == [2, 4, 5]
    job = await registering
    await complete_tasks(stores)
    job = await stores.jobs.job(job.job_id)
    assert (job.status, job.counts.completed) == (JobStatus.COMPLETED, 5)


async def test_folder_upload_renews_blobs_while_it_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "QUEUE_POLL_SECONDS", 0.01)
    monkeypatch.setattr(folders, "RENEW_BLOBS_SECONDS", 0.0)
    stores, blobs = InMemoryStores(queue_limit=1), BlobStore(f"file://{tmp_path}/blobs")
    await register(stores, papers(tmp_path, "first"))
    seen: list[bool] = []
    seen_thrice = asyncio.Event()

    def on_waiting(_registered: int) -> None:
        seen.append(all(blob.age_seconds < 1000 for blob in blobs.listed()))
        for blob in blobs.listed():
            os.utime(tmp_path / "blobs" / blob.key, (0, 0))
        if len(seen) == 3:
            seen_thrice.set()

    gone, other = papers(tmp_path, "second", "third")
    registering = asyncio.create_task(
        register(stores, [gone, other], None, on_waiting, blobs=blobs)
    )
    await seen_thrice.wait()
    assert seen[:3] == [True, True, True]
    gone.unlink()
    await complete_tasks(stores)
    stores.jobs.admission_limit._known.clear()  # a second has passed
    assert (await registering).counts.total == 2


async def test_folder_upload_skips_removed_file(stores: InMemoryStores, tmp_path: Path) -> None:
    here, gone = papers(tmp_path, "here", "gone")
    gone.unlink()
    assert (await register(stores, [gone, here])).counts.total == 1


async def test_folder_upload_without_pdfs_creates_no_job(
    stores: InMemoryStores, tmp_path: Path
) -> None:
    with pytest.raises(NotAPdf):
        await register(stores, papers(tmp_path, "", "", ""))
    with pytest.raises(RefusedUpload):
        await register(stores, [])
    assert (await stores.jobs.jobs()).items == []


async def test_folder_upload_sanitizes_undecodable_filename(
    stores: InMemoryStores, tmp_path: Path
) -> None:
    (paper,) = papers(tmp_path, "a")
    try:
        paper.rename(tmp_path / os.fsdecode(b"caf\xe9.pdf"))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    job = await register(stores, pdfs_in([tmp_path]))
    (task,) = await stores.jobs.tasks(job.job_id)
    assert task.filename == "caf .pdf"
