"""The list of jobs, and the page of a job with its progress and events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response

from domain.jobs import JobStatus
from serve_app.access.requirements import FOLLOWS, AccessDep
from serve_app.api.collections import visible_collections
from serve_app.api.jobs import SHOWN_TASKS, job_with_tasks
from serve_app.api.parameters import LAST_EVENT_NUMBER, Cursor, JobId
from serve_app.api.serializers import to_job_summary_schema
from serve_app.api.services import Services, ServicesDep
from serve_app.pages.page_route import page_router
from serve_app.pages.parameters import Blank, CollectionField, shown_name
from serve_app.pages.rendering import render, wants_fragment
from stores.postgres.cursors import decode_offset

router = page_router(FOLLOWS)
JOBS_PER_PAGE, EVENTS_PER_PAGE = 50, 100


@router.get("/jobs")
async def jobs_page(
    request: Request,
    services: ServicesDep,
    access: AccessDep,
    status: Annotated[JobStatus | None, Blank, Query()] = None,
    collection: CollectionField = None,
    unacknowledged: Annotated[bool | None, Blank, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    """Returns the page, or for htmx the list alone."""
    now = datetime.now(UTC)
    listed = await services.jobs.jobs(
        status=status,
        collection=collection,
        among=access.collections,
        unacknowledged=unacknowledged or False,
        cursor=cursor,
        limit=JOBS_PER_PAGE,
    )
    filters = {
        "status": status,
        "collection": shown_name(collection),
        "unacknowledged": "true" if unacknowledged else None,
    }
    values = {
        "jobs": list(map(to_job_summary_schema, listed.items)),
        "next_cursor": listed.next_cursor,
        "filters": filters,
        "cursor": cursor,
        "open_failures": await services.jobs.count_unacknowledged(access.collections),
        "now": now,
    }
    if wants_fragment(request):
        return render(request, "job_list.html", **values)
    collections = await visible_collections(services, access)
    statuses = list(JobStatus)
    return render(request, "jobs.html", statuses=statuses, collections=collections, **values)


@router.get("/jobs/{job_id}")
async def job_page(
    request: Request, services: ServicesDep, job_id: JobId, cursor: Cursor = None
) -> Response:
    """Returns the page of a job with its newest events; `cursor`: the first of its papers."""
    values = await _progress(job_id, services, cursor) | await _events(job_id, services)
    return render(request, "job.html", **values)


@router.get("/jobs/{job_id}/progress")
async def job_progress(
    request: Request, services: ServicesDep, job_id: JobId, cursor: Cursor = None
) -> Response:
    """Returns the progress of a job, as a part of a page that polls it."""
    return render(request, "job_progress.html", **await _progress(job_id, services, cursor))


@router.get("/jobs/{job_id}/events")
async def earlier_events(
    request: Request,
    services: ServicesDep,
    job_id: JobId,
    before: Annotated[int, Query(ge=1, le=LAST_EVENT_NUMBER)],
) -> Response:
    """Returns the rows of events with numbers below `before`."""
    values = await _events(job_id, services, before)
    return render(request, "event_rows.html", job_id=job_id, **values)


async def _progress(job_id: str, services: Services, cursor: str | None) -> dict[str, Any]:
    first = decode_offset(cursor)
    return {
        "job": await job_with_tasks(job_id, services, first),
        "cursor": cursor,
        "first": first,
        "tasks_per_page": SHOWN_TASKS,
    }


async def _events(job_id: str, services: Services, before: int | None = None) -> dict[str, Any]:
    events = await services.events.newest(job_id, before, EVENTS_PER_PAGE)
    task_ids = {event.task_id for event in events if event.task_id}
    return {
        "events": events,
        "before": before,
        "files": await services.jobs.filenames(task_ids) if task_ids else {},
    }
