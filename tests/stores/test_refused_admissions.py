"""Rejected uploads are not stored, and an Idempotency-Key is admitted once across replicas."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.errors import BlobStoreUnavailable, Conflict, Expired, IdempotencyKeyReused
from domain.jobs import Lane, OnDuplicate, TaskStatus, new_job_id
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore
from stores.postgres.postgres_session import SessionLimits
from stores.postgres.schema import TASKS
from tests.stores.postgres import KEEP_DAYS, Stores, postgres_stores
from tests.stores.work import DAY, DONE, admit, claim_one, upload


class CommitRecorder:
    """A `before_commit` callback that stores the files and records its calls."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.error = error

    async def __call__(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error


async def open_tasks(stores: Stores) -> int:
    return sum((await stores.queue.depths()).values())


@pytest.mark.parametrize("policy", list(OnDuplicate))
@pytest.mark.parametrize("is_known", [True, False])
async def test_before_commit_runs_once_after_all_checks(
    stores: Stores, policy: OnDuplicate, is_known: bool
) -> None:
    paper, commits = upload(), CommitRecorder()
    before = [await admit(stores, paper)] if is_known else []
    admitting = stores.jobs.admit(
        "papers", [upload(), paper], on_duplicate=policy, before_commit=commits
    )
    if is_known and policy is OnDuplicate.REJECT:
        with pytest.raises(Conflict):
            await admitting
        assert commits.calls == 0
        assert await open_tasks(stores) == len(before)
    else:
        await admitting
        assert commits.calls == 1


@pytest.mark.parametrize("policy", list(OnDuplicate))
async def test_failed_before_commit_admits_nothing(stores: Stores, policy: OnDuplicate) -> None:
    away = CommitRecorder(BlobStoreUnavailable())
    with pytest.raises(BlobStoreUnavailable):
        await stores.jobs.admit("papers", [upload()], on_duplicate=policy, before_commit=away)
    assert await open_tasks(stores) == 0
    assert (await stores.documents.list()).items == []


async def test_before_commit_is_skipped_for_ended_or_cancelled_job(stores: Stores) -> None:
    ended = await admit(stores)
    await stores.queue.finish(await claim_one(stores), DONE)
    cancelled = new_job_id()
    await stores.jobs.admit("papers", [upload()], job_id=cancelled, more_to_come=True)
    await stores.job_control.cancel(cancelled)
    for job_id in (ended.job_id, cancelled):
        commits = CommitRecorder()
        with pytest.raises(Conflict):
            await stores.jobs.admit("papers", [upload()], job_id=job_id, before_commit=commits)
        assert commits.calls == 0


async def once(stores: Stores, papers: list[Any], digest: str = "one", **options: Any) -> list[Any]:
    return await stores.jobs.admit_once(
        "papers", papers, job_id="job_00000000000000aa", request_digest=digest, **options
    )


async def test_repeated_idempotency_key_returns_first_result(
    stores: Stores,
) -> None:
    papers, first, again = [upload(), upload()], CommitRecorder(), CommitRecorder()
    admitted = await once(stores, papers, before_commit=first)
    task = (await stores.queue.claim(Lane.INTERACTIVE, 1, worker="w", lease_seconds=9))[0]
    await stores.queue.finish(task, DONE)
    assert await once(stores, papers, before_commit=again) == admitted
    assert (first.calls, again.calls) == (1, 0)


async def test_idempotency_key_of_other_request_is_rejected(stores: Stores) -> None:
    paper, commits = upload(), CommitRecorder()
    await once(stores, [paper])
    with pytest.raises(IdempotencyKeyReused):
        await once(stores, [upload()], "two", before_commit=commits)
    assert commits.calls == 0 and await open_tasks(stores) == 1
    await stores.queue.finish(await claim_one(stores), DONE)
    await stores.advance(KEEP_DAYS * DAY + 1)
    assert await stores.jobs.purge() == 1
    with pytest.raises(Expired):
        await once(stores, [paper])
    with pytest.raises(IdempotencyKeyReused):
        await once(stores, [upload()], "two")


async def test_idempotency_key_of_rejected_request_is_reusable(stores: Stores) -> None:
    paper = upload()
    await admit(stores, paper)
    with pytest.raises(Conflict):
        await once(stores, [paper], on_duplicate=OnDuplicate.REJECT)
    with pytest.raises(BlobStoreUnavailable):
        await once(stores, [paper], before_commit=CommitRecorder(BlobStoreUnavailable()))
    [admission] = await once(stores, [paper], "another")
    assert admission.duplicate_of == admission.document_id


async def test_concurrent_replicas_admit_idempotency_key_once(database_url: str) -> None:
    databases = [Database(database_url), Database(database_url)]
    try:
        for number in range(12):
            paper, commits = upload(), CommitRecorder()
            answers = await asyncio.gather(
                *(
                    JobStore(database).admit_once(
                        "papers",
                        [paper],
                        job_id=f"job_{number:016x}",
                        request_digest="the same",
                        before_commit=commits,
                    )
                    for database in databases
                )
            )
            assert answers[0] == answers[1], number
            assert commits.calls == 1
        stores = postgres_stores(databases[0])
        assert await open_tasks(stores) == 12
    finally:
        for database in databases:
            await database.close()


async def test_concurrent_different_requests_with_same_key_conflict(database_url: str) -> None:
    databases = [Database(database_url), Database(database_url)]
    try:
        for number in range(12):
            answers = await asyncio.gather(
                *(
                    JobStore(database).admit_once(
                        "papers",
                        [upload()],
                        job_id=f"job_{number:016x}",
                        request_digest=f"digest {place}",
                    )
                    for place, database in enumerate(databases)
                ),
                return_exceptions=True,
            )
            refused = [one for one in answers if isinstance(one, IdempotencyKeyReused)]
            assert len(refused) == 1, answers
        async with databases[0].single() as connection:
            tasks = (await connection.execute(TASKS.select())).all()
        assert [task.status for task in tasks] == [TaskStatus.QUEUED] * 12
    finally:
        for database in databases:
            await database.close()


@pytest.mark.parametrize("with_key", [True, False])
async def test_before_commit_may_outlast_idle_transaction_timeout(
    database_url: str, monkeypatch: pytest.MonkeyPatch, with_key: bool
) -> None:
    monkeypatch.setattr("stores.postgres.admission.KEEP_ALIVE_SECONDS", 0.05)
    database = Database(database_url, limits=SessionLimits(idle_in_transaction_seconds=1.0))
    stored: list[float] = []

    async def store() -> None:
        await asyncio.sleep(2.5)
        stored.append(2.5)

    jobs = JobStore(database)
    try:
        if with_key:
            admitted = await jobs.admit_once(
                "papers", [upload()], job_id="job_0", request_digest="x", before_commit=store
            )
        else:
            admitted = await jobs.admit(
                "papers", [upload()], on_duplicate=OnDuplicate.REJECT, before_commit=store
            )
        assert len(admitted) == len(stored) == 1
        assert await jobs.tasks(admitted[0].job_id)
    finally:
        await database.close()
