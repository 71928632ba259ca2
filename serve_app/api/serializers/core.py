"""Serializers of jobs, tasks, events, documents and search hits.

Schemas are filled from attributes, so a field with the same name is not listed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from domain import documents, events, job_control, jobs
from domain.errors import Failure
from domain.jobs import TaskStatus, fraction_done
from serve_app.schemas import core as schemas
from stores.milvus.terms import highlights


def to_job_schema(job: jobs.Job, tasks: Sequence[jobs.Task]) -> schemas.Job:
    """Returns a job with its first tasks."""
    running = [task for task in tasks if task.status == TaskStatus.RUNNING]
    failed = [task for task in tasks if task.status == TaskStatus.FAILED]
    summary = to_job_summary_schema(job)
    if running:
        summary.progress.step = running[0].step
    return schemas.Job(
        **dict(summary),
        tasks=list(map(to_task_schema, tasks)),
        error=_to_error_schema(failed[0].error) if failed else None,
    )


def to_job_summary_schema(job: jobs.Job) -> schemas.JobSummary:
    """Returns a job without its tasks."""
    eta_seconds, eta_basis = _eta(job)
    progress = schemas.JobProgress(
        fraction=_fraction(job),
        pages_done=job.pages_done,
        pages_total=job.pages_total,
        chunks_done=job.chunks_done,
        eta_seconds=eta_seconds,
        eta_basis=eta_basis,
        queue_position=job.queue_position,
    )
    return schemas.JobSummary.model_validate({**dict(job), "progress": progress})


def _fraction(job: jobs.Job) -> float:
    """Returns the share of the job that is done, below 1 until the job has ended.

    More papers may be added to a job that has not ended.
    """
    fraction = fraction_done(job.counts, job.shares_done)
    return fraction if job.status.is_final else min(fraction, 0.99)


def to_incomplete_task_schema(incomplete: job_control.IncompleteTask) -> schemas.IncompleteTask:
    """Returns a failed task, or one with unreadable pages."""
    task = to_task_schema(incomplete.task)
    return schemas.IncompleteTask(**dict(task), pages_failed=list(incomplete.pages_failed))


def to_event_schema(event: events.Event) -> schemas.Event:
    """Returns a state change of a job or of one of its tasks."""
    return schemas.Event.model_validate(event)


def to_task_schema(task: jobs.Task) -> schemas.Task:
    """Returns a task; `next_attempt_at` is set only while the task is queued."""
    schema = schemas.Task.model_validate(task)
    if task.status != TaskStatus.QUEUED:
        schema.next_attempt_at = None
    return schema


def to_document_schema(document: documents.Document) -> schemas.Document:
    """Returns a document with its metadata."""
    return schemas.Document.model_validate({**dict(document), "counts": document})


def to_chunk_schema(chunk: documents.Chunk, document: documents.Document) -> schemas.Chunk:
    """Returns a passage with the filename, title and collection of its document."""
    return schemas.Chunk(**_chunk_fields(chunk, document))


def to_hit_schema(
    passage: documents.Passage, document: documents.Document, query: str
) -> schemas.Hit:
    """Returns a search hit, with the words of the query highlighted in its text."""
    return schemas.Hit(
        **_chunk_fields(passage.chunk, document),
        score=passage.score,
        scores=passage.scores,
        highlights=[
            schemas.Highlight(start=start, end=end)
            for start, end in highlights(query, passage.chunk.text)
        ],
    )


def _chunk_fields(chunk: documents.Chunk, document: documents.Document) -> dict[str, Any]:
    return {
        "chunk_id": chunk.chunk_id,
        "document_id": chunk.document_id,
        "filename": document.filename,
        "title": document.title,
        "collection": document.collection,
        "kind": chunk.kind,
        "section": chunk.section,
        "page_first": chunk.page_first,
        "page_last": chunk.page_last,
        "boxes": chunk.boxes,
        "text": chunk.text,
        "ordinal": chunk.ordinal,
    }


def _to_error_schema(failure: Failure | None) -> schemas.TaskError | None:
    return None if failure is None else schemas.TaskError.model_validate(failure)


def _eta(job: jobs.Job) -> tuple[float | None, Literal["pages", "documents"] | None]:
    """Returns the estimated remaining seconds and the basis of the estimate.

    Extrapolates the rate so far: by pages once all tasks have started, before that by documents.
    """
    if job.status.is_final or job.started_at is None:
        return None, None
    elapsed = (datetime.now(UTC) - job.started_at).total_seconds()
    ended = job.counts.total - job.counts.queued - job.counts.running
    if not job.counts.queued and job.shares_done:
        return _remaining_seconds(elapsed, job.shares_done, job.counts.total), "pages"
    if ended:
        return _remaining_seconds(elapsed, ended, job.counts.total), "documents"
    return None, None


def _remaining_seconds(elapsed: float, done: float, total: int) -> float:
    return round(max(0.0, elapsed / done * (total - done)), 1)
