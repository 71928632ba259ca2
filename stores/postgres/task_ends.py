"""The end of steps in PostgreSQL: publishes the documents and moves their tasks on.

Several ends share a transaction, which costs little more than one. All rows are locked in order of
their id, documents before tasks before jobs, so that such transactions do not deadlock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import TextClause, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.duplicates import Duplicates
from domain.errors import Failure, LeaseLost, SameWork
from domain.jobs import LANE_OF_STEP, StepResult, Task, TaskEnd, TaskStatus
from stores.postgres.deletion_queue import enqueue_if_unused
from stores.postgres.duplicates import discard_document, find_refusal, lock_rules, replace_older
from stores.postgres.job_status import close_if_done
from stores.postgres.leased_rows import NUMBERS, leased_row, update_leased
from stores.postgres.publishing import publish_all
from stores.postgres.schema import DOCUMENTS, TASKS

SEARCHABLE = "coalesce(tasks.searchable_at, statement_timestamp())"


def _move(**values: str) -> TextClause:
    """Returns a statement that ends a step of leased tasks; `:rows` has their new numbers."""
    numbers = {name: f"new.{name}" for name in NUMBERS}
    return update_leased({"lease_expires_at": "NULL", "error": "NULL"} | numbers | values)


COMPLETE = _move(
    status="'completed'", finished_at="statement_timestamp()", searchable_at=SEARCHABLE
)
ADVANCE = _move(
    status="'queued'",
    step="new.step",
    lane="new.lane",
    attempt="0",
    isolate="false",
    next_attempt_at="statement_timestamp()",
    searchable_at=f"CASE WHEN new.chunks_total > 0 THEN {SEARCHABLE} END",
)


REFUSE = update_leased(
    {
        "lease_expires_at": "NULL",
        "status": "'failed'",
        "finished_at": "statement_timestamp()",
        "error": "new.error",
    }
)


async def finish_all(connection: AsyncConnection, ends: Sequence[TaskEnd]) -> None:
    """Ends the steps, as `TaskQueue.finish_all`, as part of the current transaction."""
    tasks = [task for task, _ in ends]
    rules = await lock_rules(connection, [task.collection for task in tasks])
    await _lock_documents(connection, tasks)
    if not rules:
        return await _end_steps(connection, ends)
    for end in ends:  # one after another: the next one may be a copy of this one
        await _end_step(connection, end, rules.get(end[0].collection))


async def _end_step(connection: AsyncConnection, end: TaskEnd, rule: Duplicates | None) -> None:
    """Ends a step under the rule of its collection on other files of a work."""
    task, result = end
    if rule is Duplicates.REFUSE and (failure := await find_refusal(connection, task, result)):
        return await _refuse(connection, task, failure)
    await _end_steps(connection, [end])
    if rule is Duplicates.NEWEST and result.next_step is None:
        await replace_older(connection, task)


async def _refuse(connection: AsyncConnection, task: Task, failure: Failure) -> None:
    """Ends the task as failed. What it has written is deleted."""
    await discard_document(connection, task)
    row = leased_row(task, error=asdict(failure))
    if not (await connection.execute(REFUSE, {"rows": json.dumps([row])})).scalars().all():
        return await _check_ended_already(connection, [task])
    await close_if_done(connection, [task.job_id])
    await enqueue_if_unused(connection, task.document_id, task.version)


async def _end_steps(connection: AsyncConnection, ends: Sequence[TaskEnd]) -> None:
    await publish_all(connection, [(task, end) for task, end in ends if _publishes(end)])
    completed = [(task, end) for task, end in ends if end.next_step is None]
    advanced = [(task, end) for task, end in ends if end.next_step is not None]
    moved = await _moved(connection, COMPLETE, completed)
    moved |= await _moved(connection, ADVANCE, advanced)
    await _check_ended_already(connection, [task for task, _ in ends if task.task_id not in moved])
    if jobs := {task.job_id for task, _ in completed if task.task_id in moved}:
        await close_if_done(connection, jobs)


def _publishes(end: StepResult) -> bool:
    return bool(end.chunks) or end.next_step is None


async def _lock_documents(connection: AsyncConnection, tasks: Sequence[Task]) -> None:
    """Locks the documents in order. A single one is locked by the statement that publishes it."""
    if len(tasks) > 1:
        of_tasks = DOCUMENTS.c.document_id.in_([task.document_id for task in tasks])
        locked = select(DOCUMENTS.c.document_id).where(of_tasks).order_by(DOCUMENTS.c.document_id)
        await connection.execute(locked.with_for_update(key_share=True))


async def _moved(
    connection: AsyncConnection, statement: TextClause, ends: Iterable[TaskEnd]
) -> set[Any]:
    """Returns the ids of the tasks that the statement has moved."""
    rows = [_new_values(task, end) for task, end in ends]
    if not rows:
        return set()
    return set((await connection.execute(statement, {"rows": json.dumps(rows)})).scalars())


def _new_values(task: Task, end: StepResult) -> dict[str, Any]:
    step = end.next_step
    return leased_row(
        task,
        step=step,
        lane=LANE_OF_STEP[step] if step is not None else None,
        pages_done=end.pages if step is None else 0,
        pages_total=end.pages,
        chunks_done=end.chunks,
        chunks_total=end.chunks,
    )


async def _check_ended_already(connection: AsyncConnection, tasks: Sequence[Task]) -> None:
    """Raises LeaseLost unless the same claims have completed or refused these tasks before.

    That is the case when only the response to an earlier call was lost.
    """
    if not tasks:
        return
    claims = [(task.task_id, task.lease_token) for task in tasks]
    is_refused = and_(
        TASKS.c.status == TaskStatus.FAILED, TASKS.c.error["code"].astext == SameWork.code
    )
    statement = select(TASKS.c.task_id).where(
        tuple_(TASKS.c.task_id, TASKS.c.lease_token).in_(claims),
        or_(TASKS.c.status == TaskStatus.COMPLETED, is_refused),
    )
    completed = set((await connection.execute(statement)).scalars())
    if lost := [str(task.task_id) for task in tasks if task.task_id not in completed]:
        raise LeaseLost(f"The leases of these tasks are no longer valid: {', '.join(lost)}.")
