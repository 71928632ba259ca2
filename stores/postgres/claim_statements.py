"""SQL statements of a claim, built once at import: building them takes longer than running them."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, case, exists, func, select, update

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
# Selects and locks the tasks that may be claimed. Skips documents with a running task, because a
# document has a single writer.
DUE = (
    select(
        TASKS.c.task_id,
        TASKS.c.document_id,
        TASKS.c.isolate,
        # A subquery, because a join costs twice as much, most of it in planning.
        select(ALREADY_INDEXED).where(ITS_DOCUMENT).scalar_subquery().label("is_indexed"),
    )
    .where(
        IS_QUEUED,
        TASKS.c.lane == bindparam("of_lane"),
        TASKS.c.next_attempt_at <= NOW,
        ~DOCUMENT_BUSY,
    )
    .order_by(TASKS.c.urgent.desc(), TASKS.c.next_attempt_at, TASKS.c.ordinal)
    .limit(bindparam("batch_size"))
    .with_for_update(skip_locked=True)
)
# Like DUE, but skips tasks of jobs that another session has locked, because starting such a job and
# writing its event log would block on that session. The join makes it twice as expensive as DUE.
DUE_OF_FREE_JOBS = DUE.join(JOBS, JOBS.c.job_id == TASKS.c.job_id).with_for_update(
    key_share=True, skip_locked=True, of=(TASKS, JOBS)
)
COMPLETE_DUPLICATES = (
    update(TASKS)
    .where(TASKS.c.task_id.in_(bindparam("ids", expanding=True)), ITS_DOCUMENT, ALREADY_INDEXED)
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
    .where(TASKS.c.task_id.in_(bindparam("ids", expanding=True)))
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
