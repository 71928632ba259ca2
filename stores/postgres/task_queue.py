"""The queue of tasks in PostgreSQL: claim, heartbeat, and the moves of a task that is at work.

Every write to a running task is fenced: it names the lease token of its claim, and where the row
has moved on nothing changes and LeaseLost is raised. Times are the database's own; attempts are
counted at the claim. Its place in the queue is the time at which a task is due: for a new one when
it came, for one that failed when its backoff has passed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from domain.errors import DatabaseBusy, Failure, LeaseLost, WorkerCrashed, failure_of
from domain.jobs import (
    LANE_OF_STEP,
    Lane,
    Progress,
    Step,
    StepResult,
    Task,
    TaskStatus,
    backoff_seconds,
)
from stores.postgres.claim_statements import (
    COMPLETE_DUPLICATES,
    DUE,
    DUE_OF_FREE_JOBS,
    LEASE,
    START_JOBS,
)
from stores.postgres.clock_watch import ClockWatch, corrections
from stores.postgres.database import NOW, Database, seconds
from stores.postgres.deletion_queue import enqueue_if_unwanted
from stores.postgres.job_status import IS_OPEN, IS_RUNNING, close_if_done
from stores.postgres.publishing import mark_failed, publish, publish_partial
from stores.postgres.schema import TASKS

CLAIM_TRIES = 3
AVOID_LOCKED_SECONDS = 30.0
"""How long claims pass over jobs that another session has locked, after they met one: as long as
PostgreSQL lets a transaction wait for its client (SessionLimits)."""


class TaskQueue:
    """Hands out work and records its end. Any number of processes may use it at once."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.database = database
        self._monotonic = monotonic
        self._avoid_locked_until = 0.0
        self._clock_watch = ClockWatch(monotonic)

    async def claim(
        self, lane: Lane, limit: int, *, worker: str, lease_seconds: float
    ) -> list[Task]:
        """At most `limit` queued tasks of the lane, now leased to `worker`: urgent ones first, then
        by when they were due.

        A task marked `isolate` comes alone, so that a document that takes its process down fails
        alone; a document that is at work already is left for later. A task whose document is
        searchable meanwhile ends without work and is not among them. A job whose row is locked by a
        session that does not go on, as of a client that was cut off, costs `lock_timeout` once; for
        the next AVOID_LOCKED_SECONDS its tasks are left for later.
        """
        tries = CLAIM_TRIES
        while tries:
            try:
                claimed = await self._claim(lane, limit, worker, lease_seconds)
                if claimed is not None:
                    return claimed
            except IntegrityError:  # another claim took the same document just now
                tries -= 1
            except DatabaseBusy:
                tries -= 1
                self._avoid_locked_until = self._monotonic() + AVOID_LOCKED_SECONDS
        return []

    async def _claim(
        self, lane: Lane, limit: int, worker: str, lease_seconds: float
    ) -> list[Task] | None:
        """The tasks claimed; None when some that were due needed no work: look again."""
        avoids_locked = self._monotonic() < self._avoid_locked_until
        statement = DUE_OF_FREE_JOBS if avoids_locked else DUE
        async with self.database.begin() as connection:
            due = (await connection.execute(statement, {"of_lane": lane, "most": limit})).all()
            made = [row.task_id for row in due if row.is_indexed]
            if made:
                settled = await connection.execute(COMPLETE_DUPLICATES, {"ids": made})
                await close_if_done(connection, settled.scalars())
                return None
            return await _lease(connection, _select_batch(due), worker, lease_seconds)

    async def heartbeat(self, tasks: Sequence[Task], lease_seconds: float) -> set[uuid.UUID]:
        """Ids of those tasks that are still ours; their leases now run `lease_seconds` from now.

        A task whose row another session has locked keeps the lease that it has; the others do not
        wait for it.
        """
        if not tasks:
            return set()
        beaten = _beat(_claimed(tasks), lease_seconds)
        try:
            async with self.database.single() as connection:
                return set((await connection.execute(beaten)).scalars())
        except DatabaseBusy:
            ours = select(TASKS.c.task_id).where(_claimed(tasks))
            free = TASKS.c.task_id.in_(ours.with_for_update(key_share=True, skip_locked=True))
            async with self.database.single() as connection:
                await connection.execute(_beat(free, lease_seconds))
                return set((await connection.execute(ours)).scalars())

    async def report(self, task: Task, progress: Progress) -> None:
        """Records pages and chunks done, and what can be searched already. Raises LeaseLost."""
        known = progress.numbers
        if not progress.searchable:
            async with self.database.single() as connection:
                await _move(connection, task, progressed_at=NOW, **known)
            return
        async with self.database.begin() as connection:
            await publish_partial(connection, task, progress)
            known |= {"searchable_at": func.coalesce(TASKS.c.searchable_at, NOW)}
            await _move(connection, task, progressed_at=NOW, **known)

    async def finish(self, task: Task, result: StepResult) -> None:
        """Ends a step: the next one is queued, or the task is completed.

        Where the step found text, searches show the task's version from now on. Saying it twice is
        harmless, as after an answer that got lost. Raises LeaseLost.
        """
        async with self.database.begin() as connection:
            if result.chunks or result.next_step is None:
                await publish(connection, task, result)
            if result.next_step is None:
                await _complete(connection, task, result)
            else:
                await _advance(connection, task, result, result.next_step)

    async def fail(self, task: Task, failure: Failure) -> None:
        """Ends the task as failed; a document that is searchable already stays so.

        Saying it twice is harmless. Raises LeaseLost.
        """
        async with self.database.begin() as connection:
            await _fail(connection, task, failure)

    async def retry(
        self, task: Task, failure: Failure, *, delay_seconds: float, isolate: bool = False
    ) -> None:
        """Back to the queue after `delay_seconds`; failed instead at the last attempt.

        Raises LeaseLost.
        """
        async with self.database.begin() as connection:
            await _retry(connection, task, failure, delay_seconds, isolate)

    async def release(self, task: Task, delay_seconds: float = 0) -> None:
        """Back to the queue without charging the attempt, as at a drain. Raises LeaseLost.

        Without a delay the task goes back to the place from which it was claimed.
        """
        due = NOW + seconds(delay_seconds) if delay_seconds else TASKS.c.next_attempt_at
        async with self.database.single() as connection:
            await _requeue(connection, task, due, attempt=TASKS.c.attempt - 1)

    async def sweep(
        self,
        *,
        base_seconds: float = 2,
        cap_seconds: float = 300,
        lease_seconds: float = 15,
    ) -> int:
        """Number of tasks taken from workers that stopped beating.

        They are queued again, to be claimed alone, or failed at the last attempt. Each is a
        transaction of its own: a worker that beats again just in time keeps its task. Where the
        database's clock has jumped since the last sweep, no attempt is charged for it: leases begin
        anew (stores/postgres/clock_watch.py).
        """
        await self._correct_times(lease_seconds, cap_seconds)
        crash = failure_of(WorkerCrashed())
        taken = 0
        for task in await self._expired():
            wait = backoff_seconds(task.attempt, base_seconds, cap_seconds)
            with suppress(LeaseLost, DatabaseBusy):
                async with self.database.begin() as connection:
                    await _check_expired(connection, task)
                    await _retry(connection, task, crash, wait, isolate=True)
                taken += 1
        return taken

    async def _correct_times(self, lease_seconds: float, cap_seconds: float) -> None:
        async with self.database.single() as connection:
            jump = await self._clock_watch.detect_jump(connection)
            for correction in corrections(jump, lease_seconds, cap_seconds):
                await connection.execute(correction)

    async def _expired(self) -> list[Task]:
        place = (TASKS.c.lease_expires_at, TASKS.c.next_attempt_at, TASKS.c.ordinal)
        statement = select(TASKS).where(_is_expired()).order_by(*place)
        async with self.database.single() as connection:
            rows = await connection.execute(statement.limit(500))
            return [Task.model_validate(row) for row in rows]

    async def depths(self) -> dict[tuple[str, str], int]:
        """Number of open tasks by (lane, status)."""
        statement = (
            select(TASKS.c.lane, TASKS.c.status, func.count())
            .where(IS_OPEN)
            .group_by(TASKS.c.lane, TASKS.c.status)
        )
        async with self.database.single() as connection:
            return {(row[0], row[1]): row[2] for row in await connection.execute(statement)}


def _claimed(tasks: Sequence[Task]) -> ColumnElement[bool]:
    """Those of the tasks that are still leased by the claim that made them ours."""
    claims = [(task.task_id, task.lease_token) for task in tasks]
    return and_(tuple_(TASKS.c.task_id, TASKS.c.lease_token).in_(claims), IS_RUNNING)


def _beat(chosen: ColumnElement[bool], lease_seconds: float) -> ReturningUpdate[Any]:
    lease = NOW + seconds(lease_seconds)
    return update(TASKS).where(chosen).values(lease_expires_at=lease).returning(TASKS.c.task_id)


def _held(task: Task) -> ColumnElement[bool]:
    return and_(
        TASKS.c.task_id == task.task_id,
        TASKS.c.lease_token == task.lease_token,
        IS_RUNNING,
    )


def _select_batch(due: Sequence[Row[*tuple[Any, ...]]]) -> list[uuid.UUID]:
    """Those that may run side by side: the first, if it must be alone; else one per document."""
    if due and due[0].isolate:
        return [due[0].task_id]
    first: dict[str, uuid.UUID] = {}
    for row in due:
        if not row.isolate:
            first.setdefault(row.document_id, row.task_id)
    return list(first.values())


async def _lease(
    connection: AsyncConnection, ids: Sequence[uuid.UUID], worker: str, lease_seconds: float
) -> list[Task]:
    if not ids:
        return []
    claimed = await connection.execute(LEASE, {"ids": ids, "owner": worker, "lease": lease_seconds})
    tasks = {row.task_id: Task.model_validate(row) for row in claimed}
    await connection.execute(START_JOBS, {"ids": list({task.job_id for task in tasks.values()})})
    return [tasks[task_id] for task_id in ids]


def _is_expired() -> ColumnElement[bool]:
    return and_(IS_RUNNING, TASKS.c.lease_expires_at < NOW)


async def _check_expired(connection: AsyncConnection, task: Task) -> None:
    """Raises LeaseLost when the task's worker beat again after all, or somebody else took it, or
    its row is locked by another session."""
    statement = select(TASKS.c.task_id).where(_held(task), _is_expired())
    locked = statement.with_for_update(key_share=True, skip_locked=True)
    if (await connection.execute(locked)).first() is None:
        raise LeaseLost


async def _move(connection: AsyncConnection, task: Task, **values: Any) -> None:
    moved = await connection.execute(update(TASKS).where(_held(task)).values(**values))
    if moved.rowcount != 1:
        raise LeaseLost(f"Task {task.task_id} has moved on from lease {task.lease_token}.")


async def _requeue(connection: AsyncConnection, task: Task, due: Any, **values: Any) -> None:
    await _move(
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
        await _move(
            connection, task, status=status, lease_expires_at=None, finished_at=NOW, **values
        )
    except LeaseLost:
        if not await _ended_already(connection, task, status):
            raise
    else:
        await close_if_done(connection, [task.job_id])


async def _ended_already(connection: AsyncConnection, task: Task, status: TaskStatus) -> bool:
    """True when this very claim ended so before, and only the answer was lost."""
    statement = select(TASKS.c.task_id).where(
        TASKS.c.task_id == task.task_id,
        TASKS.c.lease_token == task.lease_token,
        TASKS.c.status == status,
    )
    return (await connection.execute(statement)).first() is not None


async def _fail(connection: AsyncConnection, task: Task, failure: Failure) -> None:
    await mark_failed(connection, task)
    await _end(connection, task, TaskStatus.FAILED, error=asdict(failure))
    await enqueue_if_unwanted(connection, task.document_id, task.version)


async def _complete(connection: AsyncConnection, task: Task, result: StepResult) -> None:
    await _end(
        connection,
        task,
        TaskStatus.COMPLETED,
        pages_done=result.pages,
        pages_total=result.pages,
        chunks_done=result.chunks,
        chunks_total=result.chunks,
        searchable_at=func.coalesce(TASKS.c.searchable_at, NOW),
        error=None,
    )


async def _advance(connection: AsyncConnection, task: Task, result: StepResult, step: Step) -> None:
    """The task waits for its next step, with all its attempts."""
    searchable = func.coalesce(TASKS.c.searchable_at, NOW) if result.chunks else None
    await _requeue(
        connection,
        task,
        NOW,
        step=step,
        lane=LANE_OF_STEP[step],
        attempt=0,
        isolate=False,
        pages_done=0,
        pages_total=result.pages,
        chunks_done=result.chunks,
        chunks_total=result.chunks,
        searchable_at=searchable,
        error=None,
    )
