"""The list of jobs, and the page of a job with its progress and events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request, Response

from domain.jobs import JobStatus
from serve_app.access.requirements import FOLLOWS, AccessDep
from serve_app.api.collections import visible_collections
from serve_app.api.jobs import job_with_tasks
from serve_app.api.parameters import Cursor, JobId
from serve_app.api.serializers import to_job_summary_schema
from serve_app.api.services import ServicesDep
from serve_app.pages.page_route import page_router
from serve_app.pages.parameters import Blank, CollectionField
from serve_app.pages.rendering import render, wants_fragment

router = page_router(FOLLOWS)
JOBS_PER_PAGE, SHOWN_EVENTS = 50, 500


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
        "collection": collection,
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
async def job_page(request: Request, services: ServicesDep, job_id: JobId) -> Response:
    """Returns the page of a job with its events."""
    job = await job_with_tasks(job_id, services)
    events = await services.events.after(job_id, 0, SHOWN_EVENTS)
    files = {task.task_id: task.filename for task in job.tasks}
    return render(request, "job.html", job=job, events=events, files=files)


@router.get("/jobs/{job_id}/progress")
async def job_progress(request: Request, services: ServicesDep, job_id: JobId) -> Response:
    """Returns the progress of a job, as a part of a page that polls it."""
    return render(request, "job_progress.html", job=await job_with_tasks(job_id, services))
