"""From our own words to the shapes on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from domain import documents, jobs, papers
from domain import job_control as orders
from domain.errors import Failure
from domain.events import Event
from domain.jobs import TaskStatus, fraction_done
from serve_app.schemas import core as schemas
from stores.milvus.terms import highlights


def to_job_schema(job: jobs.Job, tasks: Sequence[jobs.Task]) -> schemas.Job:
    """A job with its first tasks."""
    running = [task for task in tasks if task.status == TaskStatus.RUNNING]
    failed = [task for task in tasks if task.status == TaskStatus.FAILED]
    summary = to_job_summary_schema(job)
    if running:
        summary.progress.step = running[0].step
    return schemas.Job(
        **dict(summary),
        tasks=[to_task_schema(task) for task in tasks],
        error=_to_error_schema(failed[0].error) if failed else None,
    )


def to_job_summary_schema(job: jobs.Job) -> schemas.JobSummary:
    """A job without its tasks."""
    seconds, basis = _eta(job)
    counts, names = job.counts, ("queued", "running", "completed", "failed", "cancelled")
    fields = ("job_id", "kind", "status", "collection", "created_at", "started_at", "finished_at",
              "expires_at", "cancel_requested")  # fmt: skip
    return schemas.JobSummary(
        **{name: getattr(job, name) for name in fields},
        counts=schemas.Counts(total=counts.total, **{n: getattr(counts, n) for n in names}),
        progress=schemas.JobProgress(
            fraction=_fraction(job),
            pages_done=job.pages_done,
            pages_total=job.pages_total,
            chunks_done=job.chunks_done,
            eta_seconds=seconds,
            eta_basis=basis,
            queue_position=job.queue_position,
        ),
    )


def _fraction(job: jobs.Job) -> float:
    """Share that is done; 1 only for a job that has ended, to others papers may still come."""
    share = fraction_done(job.counts, job.shares_done)
    return share if job.status.is_final else min(share, 0.99)


def to_incomplete_task_schema(one: orders.IncompleteTask) -> schemas.IncompleteTask:
    """A task that did not do all it should."""
    task = to_task_schema(one.task).model_dump()
    return schemas.IncompleteTask(**task, pages_failed=list(one.pages_failed))


def to_event_schema(event: Event) -> schemas.Event:
    """A move of a job or of one of its tasks."""
    fields = ("number", "name", "at", "task_id", "before", "after", "step", "attempt", "searchable")
    return schemas.Event(
        **{name: getattr(event, name) for name in fields}, error=_to_error_schema(event.error)
    )


def to_task_schema(task: jobs.Task) -> schemas.Task:
    """One document's work; `next_attempt_at` only while it waits for one."""
    return schemas.Task(
        task_id=task.task_id,
        document_id=task.document_id,
        filename=task.filename,
        status=task.status,
        step=task.step,
        attempt=task.attempt,
        max_attempts=task.max_attempts,
        pages_done=task.pages_done,
        pages_total=task.pages_total,
        chunks_done=task.chunks_done,
        searchable_at=task.searchable_at,
        next_attempt_at=task.next_attempt_at if task.status == TaskStatus.QUEUED else None,
        error=_to_error_schema(task.error),
    )


def to_document_schema(document: documents.Document) -> schemas.Document:
    """A document as the library knows it."""
    fields = ("document_id", "collection", "filename", "sha256", "bytes", "pages", "version",
              "status", "title", "abstract", "doi", "arxiv_id", "year", "language", "needs_review",
              "created_at", "searchable_at")  # fmt: skip
    counted = ("chunks", "sections", "tables", "figures", "references")
    return schemas.Document(
        **{name: getattr(document, name) for name in fields},
        authors=list(map(to_author_schema, document.authors)),
        keywords=list(document.keywords),
        counts=schemas.DocumentCounts(**{name: getattr(document, name) for name in counted}),
        quality=dict(document.quality),
    )


def to_author_schema(author: papers.Author) -> schemas.Author:
    """An author as printed."""
    return schemas.Author(name=author.name, given=author.given, family=author.family)


def to_chunk_schema(chunk: documents.Chunk, document: documents.Document) -> schemas.Chunk:
    """A passage with the names of its document."""
    return schemas.Chunk(**_chunk_fields(chunk, document))


def to_hit_schema(
    passage: documents.Passage, document: documents.Document, query: str
) -> schemas.Hit:
    """A passage that answers a query, with the words of the query marked in its text."""
    return schemas.Hit(
        **_chunk_fields(passage.chunk, document),
        score=passage.score,
        scores=passage.scores,
        highlights=[
            schemas.Highlight(start=start, end=end)
            for start, end in highlights(query, passage.chunk.text)
        ],
    )


def to_rectangle_schema(box: papers.Box) -> schemas.Rectangle:
    """A rectangle on a page."""
    return schemas.Rectangle(page=box.page, x0=box.x0, y0=box.y0, x1=box.x1, y1=box.y1)


def _chunk_fields(chunk: documents.Chunk, document: documents.Document) -> dict:
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
        "boxes": [to_rectangle_schema(box) for box in chunk.boxes],
        "text": chunk.text,
        "ordinal": chunk.ordinal,
    }


def _to_error_schema(failure: Failure | None) -> schemas.TaskError | None:
    if failure is None:
        return None
    return schemas.TaskError(
        code=failure.code,
        category=failure.category,
        message=failure.message,
        retryable=failure.retryable,
        page=failure.page,
    )


def _eta(job: jobs.Job) -> tuple[float | None, Literal["pages", "documents"] | None]:
    """Seconds to go at the pace so far: by pages once all papers have begun, else by papers."""
    if job.status.is_final or job.started_at is None:
        return None, None
    elapsed = (datetime.now(UTC) - job.started_at).total_seconds()
    ended = job.counts.total - job.counts.queued - job.counts.running
    if not job.counts.queued and job.shares_done:
        return _remaining(elapsed, job.shares_done, job.counts.total), "pages"
    if ended:
        return _remaining(elapsed, ended, job.counts.total), "documents"
    return None, None


def _remaining(elapsed: float, done: float, total: int) -> float:
    return round(max(0.0, elapsed / done * (total - done)), 1)
