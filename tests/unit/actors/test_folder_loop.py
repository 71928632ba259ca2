"""The loop that registers folders: a realistic folder, interruptions, cancellation and errors."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path

import pytest

from actors import folder_loop
from actors.folder_loop import FolderLoop
from actors.folder_registration import FolderOptions
from domain.errors import DatabaseUnavailable, LeaseLost, QuotaExceeded
from domain.folder_jobs import FolderJob
from domain.jobs import Job, JobStatus, Lane, StepResult
from domain.papers import Metadata
from stores.blobs.blob_store import BlobStore
from stores.folders import folder_upload
from stores.postgres.audit_log import actor
from tests.fakes.in_memory_jobs import InMemoryStores

JOB, LEASE = "job_of_a_folder", 15.0


class Harness:
    """A loop over in-memory stores, and the folder that it may read."""

    def __init__(self, root: Path, stores: InMemoryStores | None = None) -> None:
        self.stores = stores or InMemoryStores()
        self.root = root
        self.blobs = BlobStore(f"memory://{uuid.uuid4().hex}")
        self.loop = FolderLoop(
            self.stores.folders,
            self.stores.jobs,
            self.blobs,
            FolderOptions([str(root)], upload_limit_bytes=1000),
            wake=lambda _lane: None,
            lease_seconds=LEASE,
            poll_seconds=0.01,
        )

    async def open(self, folder: Path | None = None) -> FolderJob:
        """Opens a job for the folder and claims its registration."""
        jobs, folders = self.stores.jobs, self.stores.folders
        await jobs.admit("papers", [], kind="folder", job_id=JOB, lane=Lane.BULK, more_to_come=True)
        await folders.open(JOB, str(folder or self.root), "papers")
        return await self.claim()

    async def claim(self) -> FolderJob:
        """Claims the registration, as the successor of a JobManager that was killed."""
        self.stores.folders.leased_until.clear()
        job = await self.stores.folders.claim(LEASE)
        assert job is not None
        return job

    async def registration(self) -> FolderJob:
        job = await self.stores.folders.get(JOB)
        assert job is not None
        return job

    async def job(self) -> Job:
        return await self.stores.jobs.job(JOB)

    async def names(self) -> list[str]:
        return [task.filename for task in await self.stores.jobs.tasks(JOB, 1000)]

    async def first_paper(self) -> None:
        """Returns when the job has a paper."""
        for _ in range(3000):
            if await self.names():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("no paper was registered")

    async def complete_tasks(self) -> None:
        queue = self.stores.queue
        while tasks := await queue.claim(Lane.BULK, 100, worker="w", lease_seconds=9):
            for task in tasks:
                await queue.finish(task, StepResult(Metadata("A title"), pages=1, chunks=1))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def pdf(path: Path, content: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"%PDF-1.7\n" + (content or path.as_posix()).encode("utf-8", "replace"))
    return path


def realistic(root: Path, outside: Path) -> None:
    """Fills the folder with what people's folders contain."""
    for name in ("2021", "2022", "2023"):
        pdf(root / name / "main.pdf")
    known = pdf(root / "bundle.pdf" / "known.pdf")
    (root / "link.pdf").symlink_to(known)
    (root / "dangling.pdf").symlink_to("nowhere")
    (root / "._x.pdf").write_bytes(b"\0\5\x16\7")
    (root / ".DS_Store").write_bytes(b"x")
    (root / "placeholder.pdf").touch()
    pdf(root / "UPPER.PDF")
    pdf(root / os.fsdecode(b"caf\xe9.pdf"), "latin")
    pdf(root / 'a "quoted"\nname.pdf')
    pdf(root / "large.pdf", "x" * 2000)
    (root / "escape.pdf").symlink_to(pdf(outside / "secret.pdf"))


async def test_realistic_folder_is_registered_and_reported(root: Path, tmp_path: Path) -> None:
    harness = Harness(root)
    realistic(root, tmp_path / "outside")
    await harness.loop.register(await harness.open())
    assert sorted(await harness.names()) == sorted(
        [f"{year}/main.pdf" for year in (2021, 2022, 2023)]
        + ["bundle.pdf/known.pdf", "link.pdf", "UPPER.PDF", "caf .pdf", 'a "quoted" name.pdf']
    )
    found = await harness.registration()
    assert (found.registered, found.known, found.refused_files) == (8, 1, 5)
    assert {one.filename: one.code for one in found.refused} == {
        "._x.pdf": "not_a_pdf",
        "dangling.pdf": "refused_upload",
        "escape.pdf": "refused_upload",
        "large.pdf": "file_too_large",
        "placeholder.pdf": "empty_file",
    }
    assert found.error is None and found.finished_at is not None
    await harness.complete_tasks()
    assert (await harness.job()).status == JobStatus.COMPLETED


@pytest.mark.parametrize("batches", range(5))
async def test_killed_registration_continues_where_it_ended(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(folder_upload, "BATCH_FILES", 2)
    harness = Harness(root)
    realistic(root, tmp_path / "outside")
    admit, calls = harness.stores.jobs.admit, 0

    async def admit_until_killed(*args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls > batches:
            raise LeaseLost  # stops without a record of its end, like a kill
        return await admit(*args, **options)  # pyright: ignore[reportArgumentType]

    job = await harness.open()
    monkeypatch.setattr(harness.stores.jobs, "admit", admit_until_killed)
    await harness.loop.register(job)
    assert (await harness.registration()).finished_at is None
    monkeypatch.setattr(harness.stores.jobs, "admit", admit)
    await harness.complete_tasks()
    await harness.loop.register(await harness.claim())
    assert len(await harness.names()) == 8
    found = await harness.registration()
    assert (found.registered, found.refused_files, found.error) == (8, 5, None)
    await harness.complete_tasks()
    assert (await harness.job()).status == JobStatus.COMPLETED


async def test_registration_without_a_lease_admits_nothing(root: Path) -> None:
    harness = Harness(root)
    pdf(root / "a.pdf")
    old = await harness.open()
    await harness.claim()
    await harness.loop.register(old)
    assert await harness.names() == []
    assert (await harness.registration()).finished_at is None


async def test_cancelled_job_stops_its_registration(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_loop, "RECORD_SECONDS", 0.01)
    stores = InMemoryStores(queue_limit=1)
    harness = Harness(root, stores)
    for name in "abc":
        pdf(root / f"{name}.pdf")
    monkeypatch.setattr(folder_upload, "BATCH_FILES", 1)
    registering = asyncio.create_task(harness.loop.register(await harness.open()))
    await harness.first_paper()
    await stores.job_control.cancel(JOB)
    await asyncio.wait_for(registering, 10)
    assert len(await harness.names()) == 1
    assert (await harness.job()).status == JobStatus.CANCELLED


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda root: root.rmdir(), "folder_not_found"),
        (lambda root: None, "folder_without_pdf"),
        (lambda root: (root / "a.pdf").write_bytes(b"<html>"), "folder_without_pdf"),
    ],
)
async def test_folder_without_papers_ends_the_job_with_an_error(
    root: Path, make: object, code: str
) -> None:
    harness = Harness(root)
    job = await harness.open()
    make(root)  # pyright: ignore[reportCallIssue]
    await harness.loop.register(job)
    error = (await harness.registration()).error
    assert error is not None and error.code == code
    assert (await harness.job()).status == JobStatus.FAILED


async def test_folder_that_is_not_allowed_any_more_ends_the_job(root: Path, tmp_path: Path) -> None:
    harness = Harness(root)
    await harness.loop.register(await harness.open(tmp_path))
    error = (await harness.registration()).error
    assert error is not None and error.code == "folder_not_allowed"


async def test_quota_ends_the_registration(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = Harness(root)
    pdf(root / "a.pdf")
    job = await harness.open()

    async def admit(*_: object, **__: object) -> None:
        raise QuotaExceeded

    monkeypatch.setattr(harness.stores.jobs, "admit", admit)
    await harness.loop.register(job)
    error = (await harness.registration()).error
    assert error is not None and error.code == "quota_exceeded"


async def test_registration_is_repeated_after_an_outage(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness(root)
    pdf(root / "a.pdf")
    job, admit = await harness.open(), harness.stores.jobs.admit

    async def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(harness.stores.jobs, "admit", fail)
    await harness.loop.register(job)
    assert (await harness.registration()).finished_at is None
    monkeypatch.setattr(harness.stores.jobs, "admit", admit)
    await harness.loop.register(await harness.claim())
    assert await harness.names() == ["a.pdf"]


async def test_papers_are_admitted_for_the_actor_of_the_job(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = Harness(root)
    pdf(root / "a.pdf")
    job = (await harness.open()).model_copy(update={"actor": "key 7"})
    admit, actors = harness.stores.jobs.admit, set[str]()

    async def record_actor(*args: object, **options: object) -> object:
        actors.add(actor())
        return await admit(*args, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(harness.stores.jobs, "admit", record_actor)
    await harness.loop.register(job)
    assert actors == {"key 7"}


async def test_loop_registers_what_it_claims_and_drain_returns_the_rest(root: Path) -> None:
    harness = Harness(root)
    pdf(root / "a.pdf")
    await harness.open()
    harness.stores.folders.leased_until.clear()
    running = asyncio.create_task(harness.loop.run())
    harness.loop.may_claim.set()
    await harness.first_paper()
    await harness.loop.drain()
    running.cancel()
    assert not harness.loop.runs
