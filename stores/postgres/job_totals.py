"""Sums over the tasks of each job, from one pass over them: PostgreSQL groups, Python adds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB

from domain.job_steps import pages_read, phase_of, step_counts
from domain.jobs import (
    FIRST_STEP,
    LATER_STEPS,
    READING_WEIGHT,
    STEPS,
    Counts,
    Record,
    Step,
    TaskStatus,
    weight_before,
)
from stores.postgres.job_status import IS_OPEN
from stores.postgres.schema import JOBS, TASKS

SUMMED = ("pages_done", "pages_total", "chunks_done", "shares_done")


class TaskGroup(Record):
    """The tasks of a job with one status and step, and their sums."""

    status: TaskStatus
    step: Step
    is_read: bool
    papers: int
    pages_done: int
    pages_total: int
    chunks_done: int
    shares_done: float


def totals_of(rows: Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Returns the fields of a job that are sums over its tasks; `rows`: its `task_groups`."""
    groups = list(map(TaskGroup.model_validate, rows or ()))
    states, phases = Counter[str](), Counter[Any]()
    for group in groups:
        states[str(group.status)] += group.papers
        phases[group.step, phase_of(group.status, is_read=group.is_read)] += group.papers
    return {
        "counts": Counts(**states),
        "steps": step_counts(phases),
        "pages_read": sum(map(pages_read, groups)),
        **{name: sum(getattr(group, name) for group in groups) for name in SUMMED},
    }


def _progress_column() -> ColumnElement[float]:
    """Returns the progress of a task as SQL, equivalent to `domain.jobs.share_done`."""
    pages = _ratio(TASKS.c.pages_done, TASKS.c.pages_total)
    chunks = _ratio(TASKS.c.chunks_done, TASKS.c.chunks_total)
    first = READING_WEIGHT * pages + (1 - READING_WEIGHT) * chunks
    steps = [
        (TASKS.c.step == step, weight_before(step) + STEPS[step].weight * pages)
        for step in LATER_STEPS
    ]
    return case((~IS_OPEN, 1.0), *steps, else_=STEPS[FIRST_STEP].weight * first)


def _ratio(done: ColumnElement[Any], total: ColumnElement[Any]) -> ColumnElement[float]:
    return func.least(1.0, func.coalesce(done * 1.0 / func.nullif(total, 0), 0.0))


def _sum(value: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    return func.coalesce(func.sum(value), 0).label(name)


KEYS = (
    TASKS.c.status,
    TASKS.c.step,
    func.coalesce(TASKS.c.pages_done >= func.nullif(TASKS.c.pages_total, 0), False),
)
GROUPS = (
    select(
        *KEYS[:2],
        KEYS[2].label("is_read"),
        func.count().label("papers"),
        *(_sum(TASKS.c[name], name) for name in SUMMED[:3]),
        _sum(_progress_column(), "shares_done"),
    )
    .where(TASKS.c.job_id == JOBS.c.job_id)
    .correlate(JOBS)
    .group_by(*KEYS)
    .subquery("task_group")
)
ROWS = func.jsonb_agg(func.to_jsonb(literal_column("task_group")), type_=JSONB)
TOTALS = select(ROWS.label("task_groups")).select_from(GROUPS).lateral()
JOBS_WITH_TOTALS = select(JOBS, TOTALS).join(TOTALS, onclause=JOBS.c.job_id.is_not(None))
