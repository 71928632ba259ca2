"""The queue of tasks in PostgreSQL: claim, heartbeat, and the moves of a task that is at work.

Every write to a running task is fenced: it names the lease token of its claim, and where the row has moved on
nothing changes and LeaseLost is raised. Times are the database's own; attempts are counted at the claim.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.documents import DocumentStatus
from domain.errors import Failure, LeaseLost, WorkerCrashed, failure_of
from domain.jobs import (
    Finished,
    JobStatus,
    Lane,
    Progress,
    Task,
    TaskStatus,
    backoff_seconds,
)
from stores.database import NOW, Database, seconds
from stores.job_status import close_if_done
from stores.tables import DOCUMENTS, JOBS, TASKS


class TaskQueue:
    """Hands out work and records its end. Any number of processes may use it at once."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def claim(
        self, lane: Lane, limit: int, *, worker: str, lease_seconds: float
    ) -> list[Task]:
        """The next queued tasks of the lane, oldest first, now running and leased to `worker`.

        A task marked `isolate` comes alone, so that a document that takes its process down fails alone.
        """
        async with self.database.begin() as connection:
            for isolate, most in ((False, limit), (True, 1)):
                due = _due(lane, most, isolate)
                if tasks := await _lease(connection, due, worker, lease_seconds):
                    return tasks
        return []

    async def heartbeat(self, tasks: Sequence[Task], lease_seconds: float) -> set[uuid.UUID]:
        """Ids of those tasks that are still ours; their leases now run `lease_seconds` from now."""
        if not tasks:
            return set()
        statement = (
            update(TASKS)
            .where(or_(*map(_held, tasks)))
            .values(lease_expires_at=NOW + seconds(lease_seconds))
            .returning(TASKS.c.task_id)
        )
        async with self.database.begin() as connection:
            return set((await connection.execute(statement)).scalars())

    async def report(self, task: Task, progress: Progress) -> None:
        """Records pages and chunks done. Raises LeaseLost."""
        known = {name: value for name, value in asdict(progress).items() if value is not None}
        async with self.database.begin() as connection:
            await _move(connection, task, progressed_at=NOW, **known)

    async def complete(self, task: Task, result: Finished) -> None:
        """Ends the task as completed and makes its version the one that searches show. Raises LeaseLost."""
        async with self.database.begin() as connection:
            await _end(
                connection,
                task,
                TaskStatus.COMPLETED,
                pages_done=result.pages,
                pages_total=result.pages,
                chunks_done=result.chunks,
                chunks_total=result.chunks,
                searchable_at=NOW,
                error=None,
            )
            await _publish(connection, task, result)

    async def fail(self, task: Task, failure: Failure) -> None:
        """Ends the task as failed; a document that is searchable already stays so. Raises LeaseLost."""
        async with self.database.begin() as connection:
            await _fail(connection, task, failure)

    async def retry(
        self, task: Task, failure: Failure, *, delay_seconds: float, isolate: bool = False
    ) -> None:
        """Back to the queue after `delay_seconds`; the attempt stays counted. Raises LeaseLost."""
        async with self.database.begin() as connection:
            await _requeue(connection, task, delay_seconds, isolate=isolate, error=asdict(failure))

    async def release(self, task: Task, delay_seconds: float = 0) -> None:
        """Back to the queue without charging the attempt, as at a drain. Raises LeaseLost."""
        async with self.database.begin() as connection:
            await _requeue(connection, task, delay_seconds, attempt=task.attempt - 1)

    async def sweep(self, *, base_seconds: float = 2, cap_seconds: float = 300) -> int:
        """Number of tasks taken from workers that stopped beating: queued again, alone, or failed at the last attempt."""
        crash = failure_of(WorkerCrashed())
        async with self.database.begin() as connection:
            expired = await _expired(connection)
            for task in expired:
                if task.attempt >= task.max_attempts:
                    await _fail(connection, task, crash)
                else:
                    wait = backoff_seconds(task.attempt, base_seconds, cap_seconds)
                    await _requeue(connection, task, wait, isolate=True, error=asdict(crash))
        return len(expired)

    async def depths(self) -> dict[tuple[str, str], int]:
        """Number of open tasks by (lane, status)."""
        statement = (
            select(TASKS.c.lane, TASKS.c.status, func.count())
            .where(TASKS.c.status.in_((TaskStatus.QUEUED, TaskStatus.RUNNING)))
            .group_by(TASKS.c.lane, TASKS.c.status)
        )
        async with self.database.begin() as connection:
            return {(row[0], row[1]): row[2] for row in await connection.execute(statement)}


def _held(task: Task) -> ColumnElement[bool]:
    return and_(
        TASKS.c.task_id == task.task_id,
        TASKS.c.lease_token == task.lease_token,
        TASKS.c.status == TaskStatus.RUNNING,
    )


def _due(lane: Lane, limit: int, isolate: bool) -> Any:
    """The ids to claim. A document that is at work already is left alone: its chunks have one writer."""
    other = TASKS.alias("other")
    at_work = exists().where(
        other.c.document_id == TASKS.c.document_id, other.c.status == TaskStatus.RUNNING
    )
    return (
        select(TASKS.c.task_id)
        .where(
            TASKS.c.status == TaskStatus.QUEUED,
            TASKS.c.lane == lane,
            TASKS.c.isolate == isolate,
            TASKS.c.next_attempt_at <= NOW,
            ~at_work,
        )
        .order_by(TASKS.c.created_at, TASKS.c.ordinal)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


async def _lease(
    connection: AsyncConnection, due: Any, worker: str, lease_seconds: float
) -> list[Task]:
    claimed = await connection.execute(
        update(TASKS)
        .where(TASKS.c.task_id.in_(due))
        .values(
            status=TaskStatus.RUNNING,
            worker=worker,
            attempt=TASKS.c.attempt + 1,
            lease_token=TASKS.c.lease_token + 1,
            lease_expires_at=NOW + seconds(lease_seconds),
            started_at=func.coalesce(TASKS.c.started_at, NOW),
            pages_done=0,
            chunks_done=0,
        )
        .returning(TASKS)
    )
    tasks = [Task.model_validate(row) for row in claimed]
    jobs = {task.job_id for task in tasks}
    if jobs:
        await connection.execute(
            update(JOBS)
            .where(JOBS.c.job_id.in_(jobs), JOBS.c.status == JobStatus.QUEUED)
            .values(status=JobStatus.RUNNING, started_at=NOW)
        )
    return sorted(tasks, key=lambda task: task.created_at)


async def _move(connection: AsyncConnection, task: Task, **values: Any) -> None:
    moved = await connection.execute(update(TASKS).where(_held(task)).values(**values))
    if moved.rowcount != 1:
        raise LeaseLost(f"Task {task.task_id} has moved on from lease {task.lease_token}.")


async def _requeue(
    connection: AsyncConnection, task: Task, delay_seconds: float, **values: Any
) -> None:
    await _move(
        connection,
        task,
        status=TaskStatus.QUEUED,
        lease_expires_at=None,
        next_attempt_at=NOW + seconds(delay_seconds),
        **values,
    )


async def _end(connection: AsyncConnection, task: Task, status: TaskStatus, **values: Any) -> None:
    await _move(connection, task, status=status, lease_expires_at=None, finished_at=NOW, **values)
    await close_if_done(connection, [task.job_id])


async def _fail(connection: AsyncConnection, task: Task, failure: Failure) -> None:
    await _end(connection, task, TaskStatus.FAILED, error=asdict(failure))
    await connection.execute(
        update(DOCUMENTS)
        .where(
            DOCUMENTS.c.document_id == task.document_id,
            DOCUMENTS.c.latest_version == task.version,
            DOCUMENTS.c.status == DocumentStatus.PROCESSING,
        )
        .values(status=DocumentStatus.FAILED)
    )


async def _publish(connection: AsyncConnection, task: Task, result: Finished) -> None:
    """Makes the task's version the active one, unless a newer one is active or the document is gone."""
    await connection.execute(
        update(DOCUMENTS)
        .where(
            DOCUMENTS.c.document_id == task.document_id,
            DOCUMENTS.c.version <= task.version,
            DOCUMENTS.c.status != DocumentStatus.DELETED,
        )
        .values(
            **asdict(result),
            status=DocumentStatus.READY,
            version=task.version,
            searchable_at=func.coalesce(DOCUMENTS.c.searchable_at, NOW),
        )
    )


async def _expired(connection: AsyncConnection) -> list[Task]:
    statement = (
        select(TASKS)
        .where(TASKS.c.status == TaskStatus.RUNNING, TASKS.c.lease_expires_at < NOW)
        .order_by(tuple_(TASKS.c.job_id, TASKS.c.task_id))
        .limit(500)
        .with_for_update(skip_locked=True)
    )
    return [Task.model_validate(row) for row in await connection.execute(statement)]
