"""Updates of several leased tasks in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import TextClause, text

from domain.jobs import Task

NUMBERS = ("pages_done", "pages_total", "chunks_done", "chunks_total")


def update_leased(changes: Mapping[str, str]) -> TextClause:
    """Returns a statement that changes leased tasks and returns the ids of the changed ones.

    `changes`: an SQL expression for each column, which may refer to the row as `tasks` and to the
    parameter as `new`. `:rows`: a JSON list of objects with columns of tasks, among them `task_id`
    and `lease_token`; a task with another token is skipped. Rows are locked in order of their id.
    """
    columns = ", ".join(f"{name} = {value}" for name, value in changes.items())
    return text(f"""
        WITH new AS (
            SELECT * FROM jsonb_populate_recordset(CAST(NULL AS tasks), CAST(:rows AS jsonb))
        ),
        leased AS (
            SELECT tasks.task_id FROM tasks JOIN new USING (task_id, lease_token)
            WHERE tasks.status = 'running' ORDER BY tasks.task_id FOR NO KEY UPDATE OF tasks
        )
        UPDATE tasks SET {columns} FROM new JOIN leased USING (task_id)
        WHERE tasks.task_id = new.task_id
        RETURNING tasks.task_id
    """)


def leased_row(task: Task, **values: Any) -> dict[str, Any]:
    """Returns the object of `:rows` for the claim of this task, with other columns."""
    return {"task_id": str(task.task_id), "lease_token": task.lease_token, **values}
