"""Retention: after a year of use, tables and folders contain live data only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from domain.consistency import DeletionLimits
from domain.jobs import Upload
from stores.blobs.blob_store import BlobStore, artifact_key, pdf_key
from stores.consistency.consistency_queries import ConsistencyQueries
from stores.consistency.reconcile import Reconciler
from stores.consistency.store_identity import IdentityCheck
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore
from stores.postgres.library_record import LibraryStore
from stores.postgres.retention import Removed, remove_old_records
from stores.postgres.schema import COLLECTIONS, DOCUMENTS, EVENTS, JOBS, TASKS
from stores.postgres.task_queue import TaskQueue
from tests.fakes.in_memory_vectors import InMemoryVectorStore
from tests.stores.postgres import Stores, postgres_stores
from tests.stores.work import DAY, DONE, admit, claim_one
from tests.timing import make_older

RECORD_DAYS, TRASH_DAYS, KEEP_DAYS = 90, 30, 7


class Environment:
    """A database and a blob folder with simulated time."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.stores: Stores = postgres_stores(database)
        self.folder = folder
        self.blobs = BlobStore(str(folder))
        self.blobs.prepare()
        self.vectors = InMemoryVectorStore(8)
        self.jobs = JobStore(database, keep_days=KEEP_DAYS)
        self.identity = IdentityCheck(LibraryStore(database), self.vectors, self.blobs)
        self.reconciler = Reconciler(
            ConsistencyQueries(database),
            self.jobs,
            TaskQueue(database),
            self.vectors,
            self.blobs,
            self.identity,
            DeletionLimits(),
        )

    async def paper(self, content: str, collection: str = "papers") -> str:
        """Adds a processed paper with its PDF; returns its id."""
        source = self.folder.parent / "upload.pdf"
        source.write_bytes(b"%PDF-" + content.encode())
        blob = self.blobs.put_file(source, 1000)
        await admit(self.stores, Upload("a.pdf", blob.sha256, blob.bytes), collection=collection)
        task = await claim_one(self.stores)
        await self.stores.queue.finish(task, DONE)
        return task.document_id

    async def advance_days(self, days: float) -> None:
        """Ages everything: table rows, files and names of trash folders."""
        await self.stores.advance(days * DAY)
        for path in self.folder.rglob("*"):
            if path.is_file():
                make_older(path, days * DAY)
        for folder in sorted((self.folder / "trash").glob("*")):
            day = datetime.fromisoformat(folder.name) - timedelta(days=days)
            folder.rename(folder.with_name(day.date().isoformat()))

    async def run_cleanup(self) -> Removed:
        """Runs the hourly cleanup of the JobManager."""
        while await self.jobs.purge():
            pass
        done = await self.reconciler.clean_up(TRASH_DAYS)
        assert done.deletion_refused is None
        return await remove_old_records(self.database, RECORD_DAYS)

    async def rows(self) -> dict[str, int]:
        counted = {}
        async with self.database.single() as connection:
            for table in (DOCUMENTS, COLLECTIONS, JOBS, TASKS, EVENTS):
                found = await connection.execute(select(func.count()).select_from(table))
                counted[table.name] = found.scalar_one()
        return counted

    def files(self) -> list[str]:
        return sorted(
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.is_file()
        )


@pytest.fixture
async def env(database: Database, tmp_path: Path) -> Environment:
    made = Environment(database, tmp_path / "blobs")
    await made.identity.stamp()
    return made


async def test_retention_leaves_only_live_data_after_a_year(env: Environment) -> None:
    kept = await env.paper("kept")
    [kept_pdf] = [one for one in env.files() if one.startswith("pdf/")]
    for week in range(52):
        name = await env.paper(f"week {week}", collection=f"week-{week}")
        await env.stores.documents.delete(name)
        for number in range(3):  # rejected and interrupted uploads, orphan artifacts
            source = env.folder.parent / "refused.pdf"
            source.write_bytes(b"%PDF-refused" + f"{week} {number}".encode())
            env.blobs.put_file(source, 1000)
            (env.folder / "incoming" / f"{week:030x}{number:02x}.part").write_bytes(b"%PDF-")
            env.blobs.put_artifact(artifact_key(name, number, "late"), b"x")
        await env.advance_days(7)
        await env.run_cleanup()
        assert len(env.files()) <= 2 + (TRASH_DAYS // 7 + 2) * 4, "the trash grows"
    await env.advance_days(RECORD_DAYS + 1)
    await env.run_cleanup()
    await env.advance_days(TRASH_DAYS + 1)
    await env.run_cleanup()
    assert env.files() == ["library.json", kept_pdf]
    assert list((env.folder / "trash").glob("*")) == []
    rows = await env.rows()
    assert (rows["documents"], rows["collections"]) == (1, 1)
    assert (rows["jobs"], rows["tasks"], rows["job_events"]) == (0, 0, 0)
    assert (await env.stores.documents.get(kept)).version == 1


async def test_retention_keeps_referenced_records(env: Environment) -> None:
    name = await env.paper("one")
    await env.stores.documents.delete(name)
    await env.advance_days(RECORD_DAYS + 1)
    assert await remove_old_records(env.database, RECORD_DAYS) == Removed(), "its task exists"
    await env.jobs.purge()
    assert await remove_old_records(env.database, RECORD_DAYS) == Removed(1, 0, 1)
    await env.advance_days(RECORD_DAYS + 1)
    assert await remove_old_records(env.database, RECORD_DAYS) == Removed(jobs=1)


async def test_reupload_before_tombstone_expiry_opens_new_version(
    env: Environment,
) -> None:
    name = await env.paper("one")
    await env.stores.documents.delete(name)
    await env.advance_days(RECORD_DAYS - 1)
    await env.run_cleanup()
    assert await env.paper("one") == name
    assert (await env.stores.documents.get(name)).version == 2


async def test_retention_keeps_collection_used_meanwhile(env: Environment) -> None:
    await env.paper("one", collection="used")
    await env.advance_days(400)
    await remove_old_records(env.database, RECORD_DAYS)
    assert await env.stores.documents.has_collection("used")


async def test_trash_is_purged_after_retention_and_restores_used_pdfs(
    env: Environment,
) -> None:
    await env.paper("one")
    [pdf] = [one for one in env.files() if one.startswith("pdf/")]
    digest = Path(pdf).stem
    env.blobs.trash_pdf(digest)
    await env.advance_days(TRASH_DAYS + 1)
    await env.run_cleanup()
    assert pdf in env.files(), "a PDF in use is restored, not purged"
    source = env.folder.parent / "unused.pdf"
    source.write_bytes(b"%PDF-unused")
    unused = env.blobs.put_file(source, 1000)
    await env.advance_days(1)
    await env.run_cleanup()
    [trashed] = env.blobs.trashed()
    assert trashed.sha256 == unused.sha256
    await env.advance_days(TRASH_DAYS - 1)
    await env.run_cleanup()
    assert len(list(env.blobs.trashed())) == 1
    await env.advance_days(2)
    await env.run_cleanup()
    assert list(env.blobs.trashed()) == []
    assert pdf_key(unused.sha256) not in env.files()
    assert datetime.now(UTC).date() - trashed.day <= timedelta(days=1)


@pytest.mark.parametrize(("pdfs", "refused"), [(20, None), (21, "21 PDFs")])
async def test_unused_pdfs_beyond_limits_are_reported_and_kept(
    env: Environment, pdfs: int, refused: str | None
) -> None:
    for number in range(pdfs):
        source = env.folder.parent / "unused.pdf"
        source.write_bytes(b"%PDF-" + str(number).encode())
        env.blobs.put_file(source, 1000)
    await env.advance_days(1)
    done = await env.reconciler.clean_up(TRASH_DAYS)
    assert done.deletion_refused == refused
    assert done.pdfs_trashed == (0 if refused else pdfs)
