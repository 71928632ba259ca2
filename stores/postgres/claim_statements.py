"""SQL statements of a claim, built once at import: building them takes longer than running them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    column,
    exists,
    func,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.documents import DocumentStatus
from domain.jobs import JobStatus, Step, TaskStatus
from stores.postgres.database import NOW, seconds
from stores.postgres.job_status import IS_QUEUED, inline
from stores.postgres.schema import DOCUMENTS, JOBS, TASKS

OTHER = TASKS.alias("other")
DOCUMENT_BUSY = exists().where(
    OTHER.c.document_id == TASKS.c.document_id, OTHER.c.status == inline(TaskStatus.RUNNING)
)
# No work is left: another task indexed the document while this one was queued.
ITS_DOCUMENT = DOCUMENTS.c.document_id == TASKS.c.document_id
ALREADY_INDEXED = and_(
    TASKS.c.step == inline(Step.READ_TEXT),  # a task at a later step indexed the document itself
    DOCUMENTS.c.status == inline(DocumentStatus.READY),
    DOCUMENTS.c.version >= TASKS.c.version,
    DOCUMENTS.c.artifact_key.is_not(None),  # else only its first pages are searchable yet
)
IS_CLAIMABLE = and_(
    IS_QUEUED, TASKS.c.lane == bindparam("of_lane"), TASKS.c.next_attempt_at <= NOW, ~DOCUMENT_BUSY
)


def _ring(column: str, after: str, size: str, where: str = "") -> str:
    """Returns a query of at most `size` distinct values of the column among the queued tasks of a
    lane: those after the value `after` in order, then the others.

    A recursive query that skips from value to value in the index ("loose index scan"): its cost
    depends on the number of values that it returns, not on the number of tasks.
    """
    tasks = f"FROM tasks WHERE status = 'queued' AND lane = :of_lane {where}"
    first = f"(SELECT {column} {tasks} AND {column} {{}} ORDER BY {column} LIMIT 1)"
    following = f"SELECT {column} {tasks} AND {column} > value ORDER BY {column} LIMIT 1"
    values = f"""
        WITH RECURSIVE found (value) AS (
            {first} UNION ALL
            SELECT next.{column} FROM found CROSS JOIN LATERAL ({following}) AS next
        ) SELECT {{}} AS part, value FROM found
    """
    later = values.format(f"> {after}", 0) + f" LIMIT {size}"
    earlier = values.format("> ''", 1) + f" WHERE value <= {after} LIMIT {size}"
    return f"""
        SELECT value, row_number() OVER (ORDER BY part, value) AS place
        FROM (({later}) UNION ALL ({earlier})) AS both_parts
        ORDER BY part, value LIMIT {size}
    """


# The flows that a claim considers (FlowWindow): collections, and flows of each in equal numbers.
FLOWS = text(f"""
    WITH collections AS MATERIALIZED ({_ring("collection", ":after", ":size")}),
    positions AS (
        SELECT * FROM unnest(CAST(:names AS text[]), CAST(:flows AS text[])) AS p (name, after)
    )
    SELECT collections.value AS collection, flows.value AS flow
    FROM collections
    LEFT JOIN positions ON positions.name = collections.value
    CROSS JOIN LATERAL ({
    _ring(
        "flow",
        "coalesce(positions.after, '')",
        "(SELECT greatest(1, :size / count(*)) FROM collections)",
        "AND collection = collections.value",
    )
}) AS flows
    ORDER BY collections.place, flows.place
""")


def _candidates(*, of_free_jobs: bool = False) -> Select[*tuple[Any, ...]]:
    """Returns the statement that reads the first claimable tasks of each flow, in queue order.

    With `of_free_jobs` it skips tasks of jobs that another session has locked, because starting
    such a job and writing its event log would block on that session.
    """
    arrays = [bindparam(name, type_=ARRAY(kind)) for name, kind in WANTED_COLUMNS.items()]
    columns = [column(name, kind) for name, kind in WANTED_COLUMNS.items()]
    wanted = func.unnest(*arrays).table_valued(*columns, with_ordinality="place")
    wanted = wanted.render_derived(name="wanted")
    tasks = (
        select(
            *(TASKS.c[name] for name in ("task_id", "document_id", "isolate", "created_at")),
            TASKS.c.ordinal,
            # A subquery, because a join costs twice as much, most of it in planning.
            select(ALREADY_INDEXED).where(ITS_DOCUMENT).scalar_subquery().label("is_indexed"),
        )
        .where(IS_CLAIMABLE)
        .where(TASKS.c.collection == wanted.c.of_collection, TASKS.c.flow == wanted.c.of_flow)
        .order_by(TASKS.c.created_at, TASKS.c.ordinal)
        .limit(wanted.c.most)
    )
    if of_free_jobs:
        tasks = tasks.join(JOBS, JOBS.c.job_id == TASKS.c.job_id)
        tasks = tasks.with_for_update(key_share=True, skip_locked=True, of=JOBS)
    found = tasks.lateral("found")
    return (
        select(wanted.c.of_collection.label("collection"), wanted.c.of_flow.label("flow"), found)
        .select_from(wanted.join(found, true()))
        .order_by(wanted.c.place, found.c.created_at, found.c.ordinal)
    )


WANTED_COLUMNS = {"of_collection": Text(), "of_flow": Text(), "most": BigInteger()}
CANDIDATES = _candidates()
CANDIDATES_OF_FREE_JOBS = _candidates(of_free_jobs=True)
# Those of the candidates that no other session has claimed or locked in the meantime.
CHOSEN = TASKS.alias("chosen")
UNLOCKED = (
    select(CHOSEN.c.task_id)
    .where(
        CHOSEN.c.task_id == any_(bindparam("ids", type_=ARRAY(Uuid()))),
        CHOSEN.c.status == inline(TaskStatus.QUEUED),
    )
    .with_for_update(skip_locked=True)
)
COMPLETE_DUPLICATES = (
    update(TASKS)
    .where(TASKS.c.task_id.in_(UNLOCKED), ITS_DOCUMENT, ALREADY_INDEXED)
    .values(
        status=TaskStatus.COMPLETED,
        pages_done=func.coalesce(DOCUMENTS.c.pages, 0),
        pages_total=DOCUMENTS.c.pages,
        chunks_done=DOCUMENTS.c.chunks,
        chunks_total=DOCUMENTS.c.chunks,
        searchable_at=NOW,
        finished_at=NOW,
        error=None,
    )
    .returning(TASKS.c.job_id)
)
LEASE = (
    update(TASKS)
    .where(TASKS.c.task_id.in_(UNLOCKED))
    .values(
        status=TaskStatus.RUNNING,
        worker=bindparam("owner"),
        attempt=TASKS.c.attempt + 1,
        lease_token=TASKS.c.lease_token + 1,
        lease_expires_at=NOW + seconds(bindparam("lease")),
        started_at=func.coalesce(TASKS.c.started_at, NOW),
        pages_done=0,
        chunks_done=case((TASKS.c.step == Step.READ_TEXT, 0), else_=TASKS.c.chunks_done),
    )
    .returning(TASKS)
)
# LEASE has locked the jobs: its trigger writes their event logs (migration 0008).
START_JOBS = (
    update(JOBS)
    .where(JOBS.c.job_id.in_(bindparam("ids", expanding=True)), JOBS.c.status == JobStatus.QUEUED)
    .values(status=JobStatus.RUNNING, started_at=NOW)
)
