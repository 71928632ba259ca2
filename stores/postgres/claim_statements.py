"""The statements of a claim, built once: to build them takes longer than to run them."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, case, exists, func, select, update

from domain.documents import DocumentStatus
from domain.jobs import JobStatus, Step, TaskStatus
from stores.postgres.database import NOW, seconds
from stores.postgres.job_status import IS_QUEUED, fixed
from stores.postgres.schema import DOCUMENTS, JOBS, TASKS

OTHER = TASKS.alias("other")
DOCUMENT_BUSY = exists().where(
    OTHER.c.document_id == TASKS.c.document_id, OTHER.c.status == fixed(TaskStatus.RUNNING)
)
# Nothing is left to do: another task made the document searchable while this one waited.
ITS_DOCUMENT = DOCUMENTS.c.document_id == TASKS.c.document_id
ALREADY_INDEXED = and_(
    TASKS.c.step == fixed(Step.READ_TEXT),  # who is at a later step made the document searchable
    DOCUMENTS.c.status == fixed(DocumentStatus.READY),
    DOCUMENTS.c.version >= TASKS.c.version,
    DOCUMENTS.c.artifact_key.is_not(None),  # else only its first pages can be searched yet
)
# Tasks that may be claimed, locked. A document at work is left alone: it has one writer.
DUE = (
    select(
        TASKS.c.task_id,
        TASKS.c.document_id,
        TASKS.c.isolate,
        # Not a join: that costs twice as much, most of it in planning.
        select(ALREADY_INDEXED).where(ITS_DOCUMENT).scalar_subquery().label("is_indexed"),
    )
    .where(
        IS_QUEUED,
        TASKS.c.lane == bindparam("of_lane"),
        TASKS.c.next_attempt_at <= NOW,
        ~DOCUMENT_BUSY,
    )
    .order_by(TASKS.c.urgent.desc(), TASKS.c.next_attempt_at, TASKS.c.ordinal)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
# The same without tasks of jobs that another session has locked: to start such a job, and to write
# its log, would wait for that session. A join costs twice as much as DUE.
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
WAITING_JOBS = (
    select(JOBS.c.job_id)
    .where(JOBS.c.job_id.in_(bindparam("ids", expanding=True)), JOBS.c.status == JobStatus.QUEUED)
    .order_by(JOBS.c.job_id)
    .with_for_update(key_share=True)
)
START_JOBS = (
    update(JOBS)
    .where(JOBS.c.job_id.in_(WAITING_JOBS))
    .values(status=JobStatus.RUNNING, started_at=NOW)
)
