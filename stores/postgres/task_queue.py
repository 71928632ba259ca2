"""The task queue in PostgreSQL: claims, heartbeats, and state transitions of running tasks.

Every write to a running task is fenced by the lease token of its claim. If the row has another
token or status, nothing changes and LeaseLost is raised. Times are of the database clock; attempts
are counted at the claim. A task is claimed after its due time: the creation time of a new task, the
end of the backoff of a retried task.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from domain.errors import DatabaseBusy, Failure, LeaseLost, WorkerCrashed, failure_of
from domain.fair_share import EQUAL_SHARES, ShareWeights
from domain.jobs import (
    Lane,
    Progress,
    StepResult,
    Task,
    TaskEnd,
    TaskStatus,
    backoff_seconds,
)
from stores.postgres.claims import Claims
from stores.postgres.clock_watch import ClockWatch, corrections
from stores.postgres.database import NOW, Database, seconds
from stores.postgres.deletion_queue import enqueue_if_unused
from stores.postgres.job_status import IS_OPEN, IS_RUNNING, close_if_done
from stores.postgres.leased_rows import NUMBERS, leased_row, update_leased
from stores.postgres.publishing import mark_failed, publish_partial
from stores.postgres.schema import TASKS
from stores.postgres.task_ends import finish_all

REPORT = update_leased(
    {"progressed_at": "statement_timestamp()"}
    | {name: f"coalesce(new.{name}, tasks.{name})" for name in NUMBERS}
)

RELEASE = update_leased(
    {"status": "'queued'", "lease_expires_at": "NULL", "attempt": "tasks.attempt - 1"}
)


class TaskQueue:
    """Leases tasks to workers and records results. Safe for concurrent use by many processes."""

    def __init__(
        self,
        database: Database,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        weights: ShareWeights = EQUAL_SHARES,
    ) -> None:
        self.database = database
        self.claims = Claims(database, weights, monotonic)
        self._clock_watch = ClockWatch(monotonic)

    async def claim(
        self, lane: Lane, limit: int, *, worker: str, lease_seconds: float
    ) -> list[Task]:
        """Leases at most `limit` queued tasks of the lane to `worker` and returns them.

        Order: by fair shares of collections and of the flows in them (domain/fair_share.py), within
        a flow by the time of admission, so that a retried task keeps its place. A task marked
        `isolate` is returned alone, so that a document that crashes its process affects no other.
        Documents with a running task are skipped. A task whose document was indexed in the meantime
        is completed without work and not returned. If a stalled session (for example, of a
        disconnected client) holds the lock of a job row, one claim waits for `lock_timeout`; for
        the next AVOID_LOCKED_SECONDS, claims skip the tasks of locked jobs.
        """
        return await self.claims.claim(lane, limit, worker, lease_seconds)

    async def heartbeat(self, tasks: Sequence[Task], lease_seconds: float) -> set[uuid.UUID]:
        """Extends the leases to `lease_seconds` from now; returns ids of tasks that are still ours.

        If another session has locked the row of a task, that task keeps its current lease, and the
        others are extended without waiting for the lock.
        """
        if not tasks:
            return set()
        ours = select(TASKS.c.task_id).where(_still_leased(tasks)).order_by(TASKS.c.task_id)
        locked = TASKS.c.task_id.in_(ours.with_for_update(key_share=True))
        try:
            async with self.database.single() as connection:
                extended = await connection.execute(_extend_lease(locked, lease_seconds))
                return set(extended.scalars())
        except DatabaseBusy:
            unlocked = TASKS.c.task_id.in_(ours.with_for_update(key_share=True, skip_locked=True))
            async with self.database.single() as connection:
                await connection.execute(_extend_lease(unlocked, lease_seconds))
                return set((await connection.execute(ours)).scalars())

    async def report(self, task: Task, progress: Progress) -> None:
        """Records processed pages and chunks, and publishes a searchable part. Raises LeaseLost."""
        values = progress.numbers
        if not progress.searchable:
            async with self.database.single() as connection:
                await _update_leased(connection, task, progressed_at=NOW, **values)
            return
        async with self.database.begin() as connection:
            await publish_partial(connection, task, progress)
            values |= {"searchable_at": func.coalesce(TASKS.c.searchable_at, NOW)}
            await _update_leased(connection, task, progressed_at=NOW, **values)

    async def report_numbers(self, reports: Sequence[tuple[Task, Progress]]) -> None:
        """Records the pages and chunks of several tasks; skips those whose lease was lost."""
        if not reports:
            return
        rows = [leased_row(task, **progress.numbers) for task, progress in reports]
        async with self.database.single() as connection:
            await connection.execute(REPORT, {"rows": json.dumps(rows)})

    async def finish(self, task: Task, result: StepResult) -> None:
        """Ends a step, as `finish_all`."""
        await self.finish_all([(task, result)])

    async def finish_all(self, ends: Sequence[TaskEnd]) -> None:
        """Ends steps: queues the next one of each task, or completes the task. All or none.

        If a step produced chunks, the task's version becomes searchable. Idempotent, so that a call
        can be repeated after a lost response. Raises LeaseLost.
        """
        async with self.database.begin() as connection:
            await finish_all(connection, ends)

    async def fail(self, task: Task, failure: Failure) -> None:
        """Ends the task as failed; a searchable document stays searchable.

        Idempotent. Raises LeaseLost.
        """
        async with self.database.begin() as connection:
            await _fail(connection, task, failure)

    async def retry(
        self, task: Task, failure: Failure, *, delay_seconds: float, isolate: bool = False
    ) -> None:
        """Requeues the task, due after `delay_seconds`; fails it if this was the last attempt.

        Raises LeaseLost.
        """
        async with self.database.begin() as connection:
            await _retry(connection, task, failure, delay_seconds, isolate)

    async def release(self, task: Task, delay_seconds: float = 0) -> None:
        """Requeues the task without counting the attempt, for example after an outage.

        The task keeps its position in the queue. Raises LeaseLost.
        """
        due = NOW + seconds(delay_seconds) if delay_seconds else TASKS.c.next_attempt_at
        async with self.database.single() as connection:
            await _requeue(connection, task, due, attempt=TASKS.c.attempt - 1)

    async def release_all(self, tasks: Sequence[Task]) -> set[uuid.UUID]:
        """Requeues the tasks without counting the attempt; returns the ids of the requeued ones.

        The tasks keep their positions in the queue. A task whose lease was lost is skipped.
        """
        if not tasks:
            return set()
        rows = [leased_row(task) for task in tasks]
        async with self.database.single() as connection:
            return set((await connection.execute(RELEASE, {"rows": json.dumps(rows)})).scalars())

    async def sweep(
        self,
        *,
        base_seconds: float = 2,
        cap_seconds: float = 300,
        lease_seconds: float = 15,
    ) -> int:
        """Requeues tasks with expired leases; returns their number.

        They are marked `isolate`, or failed after the last attempt. Each task has its own
        transaction: a worker that sends a heartbeat just in time keeps its task. If the database
        clock jumped since the last sweep, leases are renewed first, so that no attempt is charged
        (stores/postgres/clock_watch.py).
        """
        await self._correct_times(lease_seconds, cap_seconds)
        crash = failure_of(WorkerCrashed())
        requeued = 0
        for task in await self._expired():
            delay = backoff_seconds(task.attempt, base_seconds, cap_seconds)
            with suppress(LeaseLost, DatabaseBusy):
                async with self.database.begin() as connection:
                    await _check_expired(connection, task)
                    await _retry(connection, task, crash, delay, isolate=True)
                requeued += 1
        return requeued

    async def _correct_times(self, lease_seconds: float, cap_seconds: float) -> None:
        async with self.database.single() as connection:
            jump = await self._clock_watch.detect_jump(connection)
            for correction in corrections(jump, lease_seconds, cap_seconds):
                await connection.execute(correction)

    async def _expired(self) -> list[Task]:
        order = (TASKS.c.lease_expires_at, TASKS.c.next_attempt_at, TASKS.c.ordinal)
        statement = select(TASKS).where(_is_expired()).order_by(*order)
        async with self.database.single() as connection:
            rows = await connection.execute(statement.limit(500))
            return [Task.model_validate(row) for row in rows]

    async def depths(self) -> dict[tuple[str, str], int]:
        """Returns the number of open tasks by (lane, status)."""
        statement = (
            select(TASKS.c.lane, TASKS.c.status, func.count())
            .where(IS_OPEN)
            .group_by(TASKS.c.lane, TASKS.c.status)
        )
        async with self.database.single() as connection:
            return {(row[0], row[1]): row[2] for row in await connection.execute(statement)}


def _still_leased(tasks: Sequence[Task]) -> ColumnElement[bool]:
    """Returns the condition that a row is one of the tasks and its lease token is unchanged."""
    claims = [(task.task_id, task.lease_token) for task in tasks]
    return and_(tuple_(TASKS.c.task_id, TASKS.c.lease_token).in_(claims), IS_RUNNING)


def _extend_lease(chosen: ColumnElement[bool], lease_seconds: float) -> ReturningUpdate[Any]:
    lease = NOW + seconds(lease_seconds)
    return update(TASKS).where(chosen).values(lease_expires_at=lease).returning(TASKS.c.task_id)


def _is_leased(task: Task) -> ColumnElement[bool]:
    return and_(
        TASKS.c.task_id == task.task_id,
        TASKS.c.lease_token == task.lease_token,
        IS_RUNNING,
    )


def _is_expired() -> ColumnElement[bool]:
    return and_(IS_RUNNING, TASKS.c.lease_expires_at < NOW)


async def _check_expired(connection: AsyncConnection, task: Task) -> None:
    """Raises LeaseLost unless the lease is still expired and the row is not locked.

    The worker may have sent a heartbeat, or another process may have requeued the task.
    """
    statement = select(TASKS.c.task_id).where(_is_leased(task), _is_expired())
    locked = statement.with_for_update(key_share=True, skip_locked=True)
    if (await connection.execute(locked)).first() is None:
        raise LeaseLost


async def _update_leased(connection: AsyncConnection, task: Task, **values: Any) -> None:
    """Updates the task's row, fenced by its lease token. Raises LeaseLost."""
    result = await connection.execute(update(TASKS).where(_is_leased(task)).values(**values))
    if result.rowcount != 1:
        raise LeaseLost(f"Lease {task.lease_token} of task {task.task_id} is no longer valid.")


async def _requeue(connection: AsyncConnection, task: Task, due: Any, **values: Any) -> None:
    await _update_leased(
        connection,
        task,
        status=TaskStatus.QUEUED,
        lease_expires_at=None,
        next_attempt_at=due,
        **values,
    )


async def _retry(
    connection: AsyncConnection, task: Task, failure: Failure, delay: float, isolate: bool
) -> None:
    if task.attempt >= task.max_attempts:
        await _fail(connection, task, failure)
        return
    due = NOW + seconds(delay)
    await _requeue(connection, task, due, isolate=isolate, error=asdict(failure))


async def _end(connection: AsyncConnection, task: Task, status: TaskStatus, **values: Any) -> None:
    try:
        await _update_leased(
            connection, task, status=status, lease_expires_at=None, finished_at=NOW, **values
        )
    except LeaseLost:
        if not await _ended_already(connection, task, status):
            raise
    else:
        await close_if_done(connection, [task.job_id])


async def _ended_already(connection: AsyncConnection, task: Task, status: TaskStatus) -> bool:
    """True if the same claim has set this status before, and only the response was lost."""
    statement = select(TASKS.c.task_id).where(
        TASKS.c.task_id == task.task_id,
        TASKS.c.lease_token == task.lease_token,
        TASKS.c.status == status,
    )
    return (await connection.execute(statement)).first() is not None


async def _fail(connection: AsyncConnection, task: Task, failure: Failure) -> None:
    await mark_failed(connection, task)
    await _end(connection, task, TaskStatus.FAILED, error=asdict(failure))
    await enqueue_if_unused(connection, task.document_id, task.version)
