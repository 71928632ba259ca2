"""Serializers: convert domain records to the schemas of the HTTP API.

Schemas are filled from attributes, so a field with the same name is not listed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel

from domain import consistency, documents, events, job_control, jobs, papers
from domain.folder_jobs import FolderJob
from domain.jobs import TaskStatus, fraction_done
from domain.same_work import NO_LINKS, WorkLinks
from extraction.export.table_formats import to_markdown
from serve_app.library.snippets import snippet_span
from serve_app.schemas import consistency as consistency_schemas
from serve_app.schemas import core as schemas
from serve_app.schemas import papers as paper_schemas
from stores.milvus.terms import highlights

MAX_LISTED = 100  # of each kind of difference
ENDS_READING = "task_completed"  # name of the events that name copies
AnyEvent = TypeVar("AnyEvent", bound=schemas.Event)


def to_job_schema(
    job: jobs.Job,
    tasks: Sequence[jobs.Task],
    links: Mapping[UUID, WorkLinks],
    folder: FolderJob | None = None,
) -> schemas.Job:
    """Returns a job with its first tasks, and the registration of its folder.

    `links`: the copies of the papers, by task.
    """
    running = [task.step for task in tasks if task.status == TaskStatus.RUNNING]
    failed = [task.error for task in tasks if task.status == TaskStatus.FAILED]
    summary = to_job_summary_schema(job)
    summary.progress.step = running[0] if running else None
    shown = schemas.FolderRegistration.model_validate(folder) if folder else None
    error = schemas.TaskError.model_validate(failed[0]) if failed and failed[0] else None
    return schemas.Job(
        **dict(summary),
        tasks=to_task_schemas(tasks, links),
        folder=shown,
        error=(shown.error if shown else None) or error,
    )


def to_job_summary_schema(job: jobs.Job) -> schemas.JobSummary:
    """Returns a job without its tasks.

    The fraction is below 1 until the job has ended, because papers may be added to it.
    """
    fraction = fraction_done(job.counts, job.shares_done)
    eta_seconds, eta_basis = _eta(job)
    progress = {
        **_common_fields(job, schemas.JobProgress),
        "fraction": fraction if job.status.is_final else min(fraction, 0.99),
        "eta_seconds": eta_seconds,
        "eta_basis": eta_basis,
    }
    return schemas.JobSummary.model_validate({**dict(job), "progress": progress})


def to_task_schemas(
    tasks: Sequence[jobs.Task], links: Mapping[UUID, WorkLinks]
) -> list[schemas.Task]:
    """Returns the tasks; `links`: the copies of their papers, by task."""
    return [to_task_schema(task, links.get(task.task_id, NO_LINKS)) for task in tasks]


def to_task_schema(task: jobs.Task, links: WorkLinks = NO_LINKS) -> schemas.Task:
    """Returns a task; `next_attempt_at` is set only while the task is queued."""
    schema = schemas.Task.model_validate(task)
    schema.same_work_as, schema.same_work_title = list(links.same_work_as), links.title
    if task.status != TaskStatus.QUEUED:
        schema.next_attempt_at = None
    return schema


def to_incomplete_task_schema(incomplete: job_control.IncompleteTask) -> schemas.IncompleteTask:
    """Returns a failed task, or one with unreadable pages."""
    task = to_task_schema(incomplete.task)
    return schemas.IncompleteTask(**dict(task), pages_failed=list(incomplete.pages_failed))


def _eta(job: jobs.Job) -> tuple[float | None, Literal["pages", "documents"] | None]:
    """Returns the estimated remaining seconds and the basis of the estimate.

    Extrapolates the rate so far: by pages once all tasks have started, before that by documents.
    """
    if job.status.is_final or job.started_at is None:
        return None, None
    elapsed = (datetime.now(UTC) - job.started_at).total_seconds()
    by_pages = not job.counts.queued and job.shares_done
    ended = job.counts.total - job.counts.queued - job.counts.running
    if done := by_pages or ended:
        seconds = round(max(0.0, elapsed / done * (job.counts.total - done)), 1)
        return seconds, "pages" if by_pages else "documents"
    return None, None


def to_event_schema(event: events.Event, links: Mapping[UUID, WorkLinks]) -> schemas.Event:
    """Returns an event; one that completes a task names the copies of its paper."""
    return _with_copies(schemas.Event.model_validate(event), links)


def to_feed_event_schema(
    event: events.FeedEvent, links: Mapping[UUID, WorkLinks]
) -> schemas.CollectionEvent:
    """Returns an event of a collection; one that completes a task names the copies of its paper."""
    return _with_copies(schemas.CollectionEvent.model_validate(event), links)


def _with_copies(event: AnyEvent, links: Mapping[UUID, WorkLinks]) -> AnyEvent:
    found = links.get(event.task_id) if event.task_id and event.name == ENDS_READING else None
    return event.model_copy(update={"same_work_as": list(found.same_work_as)}) if found else event


def to_document_schema(
    document: documents.Document, links: WorkLinks = NO_LINKS
) -> schemas.Document:
    """Returns a document with its metadata, and the ids of its copies and versions."""
    corrected = [name for name in documents.CORRECTABLE if name in document.corrections]
    return schemas.Document.model_validate(
        {
            **dict(document),
            "counts": document,
            "corrected": corrected,
            "same_work_as": links.same_work_as,
            "related": links.related,
        }
    )


def to_chunk_schema(chunk: documents.Chunk, document: documents.Document) -> schemas.Chunk:
    """Returns a passage with the bibliographic fields of its document."""
    return schemas.Chunk.model_validate(_chunk_fields(chunk, document))


def to_hit_schema(
    passage: documents.Passage,
    document: documents.Document,
    query: str,
    relevance: float | None,
    named_by: str | None = None,
) -> schemas.Hit:
    """Returns a search hit, with the words of the query highlighted in its text."""
    spans = highlights(query, passage.chunk.text)
    return schemas.Hit.model_validate(
        {
            **_chunk_fields(passage.chunk, document),
            "score": passage.score,
            "scores": passage.scores,
            "relevance": relevance,
            "named_by": named_by,
            "also_in": passage.also_in,
            "highlights": list(map(_range, spans)),
            "snippet": _range(snippet_span(passage.chunk.text, spans)),
        }
    )


def _range(span: tuple[int, int]) -> dict[str, int]:
    return {"start": span[0], "end": span[1]}


def _chunk_fields(chunk: documents.Chunk, document: documents.Document) -> dict[str, Any]:
    return _common_fields(document, schemas.Chunk) | _common_fields(chunk, schemas.Chunk)


def to_tables_schema(document: documents.Document, paper: papers.Paper) -> paper_schemas.Tables:
    """Returns the tables of a paper."""
    tables = list(map(_to_table_schema, paper.tables))
    return paper_schemas.Tables(tables=tables, read=document.tables is not None)


def to_references_schema(paper: papers.Paper, links: Mapping[int, str]) -> paper_schemas.References:
    """Returns the bibliography of a paper; `links` maps ordinals of entries to document ids."""
    entries = list(map(paper_schemas.Reference.model_validate, paper.references))
    for entry in entries:
        entry.document_id = links.get(entry.ordinal)
    return paper_schemas.References(references=entries)


def to_export_schema(
    shown: schemas.Document,
    document: documents.Document,
    paper: papers.Paper,
    links: Mapping[int, str],
) -> paper_schemas.PaperExport:
    """Returns a document, as it is shown, with all its extracted content."""
    return paper_schemas.PaperExport.model_validate(
        {
            **_common_fields(paper, paper_schemas.PaperExport),
            "document": shown,
            "tables": to_tables_schema(document, paper).tables,
            "references": to_references_schema(paper, links).references,
        }
    )


def _to_table_schema(table: papers.Table) -> paper_schemas.Table:
    return paper_schemas.Table.model_validate(
        {
            **_common_fields(table, paper_schemas.Table),
            "box": table.boxes[0],
            "rows": [[_to_cell_schema(cell) for cell in row] for row in table.rows],
            "markdown": to_markdown(table),
        }
    )


def _to_cell_schema(cell: papers.Cell) -> str | papers.Cell:
    """Returns the text of a plain cell, or the cell itself if it is a header or a span."""
    is_plain = cell.rowspan == cell.colspan == 1 and not cell.header
    return cell.text if is_plain else cell


def to_consistency_schema(
    differences: consistency.Differences, limits: consistency.DeletionLimits
) -> consistency_schemas.Consistency:
    """Returns the differences, with the first 100 of each kind."""
    listed = {name: getattr(differences, name)[:MAX_LISTED] for name in differences.counts}
    for name in ("missing_chunks", "surplus_chunks"):
        listed[name] = list(map(_wrong_count_fields, listed[name]))
    return consistency_schemas.Consistency.model_validate(
        {
            **listed,
            "consistent": not any(differences.counts.values()) and not differences.identity,
            "compared_at": differences.compared_at,
            "identity_problems": list(differences.identity),
            "deletion_refused": differences.excess(limits),
            "counts": differences.counts,
        }
    )


def to_repair_schema(
    differences: consistency.Differences,
    repairs: consistency.Repairs,
    limits: consistency.DeletionLimits,
) -> consistency_schemas.Repair:
    """Returns the differences and the repairs."""
    found = to_consistency_schema(differences, limits)
    return consistency_schemas.Repair(found=found, **asdict(repairs))


def _wrong_count_fields(count: consistency.WrongCount) -> dict[str, Any]:
    return {
        **_common_fields(count.document, consistency_schemas.WrongCount),
        "expected": count.expected,
        "found": count.found,
    }


def _common_fields(record: object, schema: type[BaseModel]) -> dict[str, Any]:
    """Returns the attributes of the record that have the name of a field of the schema."""
    names = _common_names(type(record), schema)
    return {name: getattr(record, name) for name in names}


@lru_cache
def _common_names(record: type, schema: type[BaseModel]) -> tuple[str, ...]:
    """Returns the names of the fields of the schema that records of this type have."""
    fields = getattr(record, "model_fields", ())
    return tuple(name for name in schema.model_fields if name in fields or hasattr(record, name))
