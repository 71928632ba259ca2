"""What is due in PostgreSQL, and a JobManager that notices it without hints."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from actors import job_manager
from domain.deletions import VersionRange
from domain.jobs import Lane, Upload
from domain.webhooks import WebhookOptions
from stores.postgres.database import NOW, Database, seconds
from stores.postgres.deletion_queue import enqueue_deletions
from stores.postgres.due_work import DueWork
from stores.postgres.folder_jobs import FolderJobs
from stores.postgres.job_store import JobStore
from stores.postgres.schema import DELETIONS, DELIVERIES, TASKS
from stores.postgres.task_queue import TaskQueue
from stores.postgres.webhook_store import WebhookStore
from tests.stores.milvus import MilvusLite
from tests.stores.test_job_manager_start import config_for, started

PAPER = Upload("a.pdf", "0" * 64, 10)


async def changed(database: Database, table: Any, **values: Any) -> None:
    async with database.begin() as connection:
        await connection.execute(update(table).values(**values))


async def admit(database: Database, lane: Lane = Lane.INTERACTIVE, **options: Any) -> str:
    [admission] = await JobStore(database).admit("papers", [PAPER], lane=lane, **options)
    return admission.job_id


async def test_empty_database_has_nothing_due(database: Database) -> None:
    due = await DueWork(database).find()
    assert (list(due.lanes), due.folders, due.deliveries, due.deletions) == ([], *[False] * 3)


@pytest.mark.parametrize("lane", Lane)
async def test_queued_task_makes_its_lane_due_until_it_is_claimed(
    database: Database, lane: Lane
) -> None:
    work = DueWork(database)
    await admit(database)
    await changed(database, TASKS, lane=lane)
    assert (await work.find()).lanes == [lane]
    await changed(database, TASKS, next_attempt_at=NOW + seconds(60))
    assert (await work.find()).lanes == []
    await changed(database, TASKS, next_attempt_at=NOW)
    assert len(await TaskQueue(database).claim(lane, 5, worker="w", lease_seconds=60)) == 1
    assert (await work.find()).lanes == []


async def test_folder_is_due_while_nobody_registers_it(database: Database) -> None:
    work, folders = DueWork(database), FolderJobs(database)
    job_id = await admit(database, kind="folder", more_to_come=True)
    await folders.open(job_id, "/papers", "papers")
    assert (await work.find()).folders
    claimed = await folders.claim(60)
    assert claimed is not None and not (await work.find()).folders
    await folders.release(claimed)
    assert (await work.find()).folders


async def test_deletion_and_delivery_are_due_at_their_time(database: Database) -> None:
    work = DueWork(database)
    webhooks = WebhookStore(database, WebhookOptions())
    webhook, _ = await webhooks.create("https://example.org/hook", [])
    await webhooks.ping(webhook.webhook_id)
    async with database.begin() as connection:
        await enqueue_deletions(connection, [VersionRange("doc_1", 1, 1)])
    due = await work.find()
    assert due.deliveries and due.deletions
    await changed(database, DELIVERIES, next_attempt_at=NOW + seconds(60))
    await changed(database, DELETIONS, due_at=NOW + seconds(60))
    due = await work.find()
    assert not due.deliveries and not due.deletions


async def test_job_manager_notices_due_work_long_before_its_own_polls(
    database_url: str,
    database: Database,
    milvus: MilvusLite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_manager, "SAFETY_POLL_SECONDS", 3600.0)
    async with started(database_url, config_for(milvus, tmp_path / "blobs")) as manager:
        woken = asyncio.Queue[str]()
        for name, loop in {
            **manager.workers,
            "folders": manager.folder_loop,
            "deletions": manager.cleanup,
        }.items():
            monkeypatch.setattr(loop.signal, "wake", lambda name=name: woken.put_nowait(str(name)))
        assert {one.poll_seconds for one in manager.workers.values()} == {3600.0}
        job_id = await admit(database, Lane.BULK, kind="folder", more_to_come=True)
        await FolderJobs(database).open(job_id, "/papers", "papers")
        async with database.begin() as connection:
            await enqueue_deletions(connection, [VersionRange("doc_1", 1, 1)])
        async with asyncio.timeout(20):
            seen = set[str]()
            while seen != {str(Lane.BULK), "folders", "deletions"}:
                seen.add(await woken.get())
