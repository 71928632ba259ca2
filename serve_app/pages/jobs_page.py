"""The list of jobs, and the page of a job with its progress and events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from domain.jobs import JobStatus
from serve_app.api.jobs import SHOWN_TASKS
from serve_app.api.parameters import Cursor, JobId
from serve_app.api.serializers import to_job_schema, to_job_summary_schema
from serve_app.api.services import Services, ServicesDep
from serve_app.pages.page_route import page_router
from serve_app.pages.parameters import Blank, CollectionField
from serve_app.pages.rendering import render, wants_fragment

router = page_router()
JOBS_PER_PAGE, SHOWN_EVENTS = 50, 500


@router.get("/jobs")
async def jobs_page(
    request: Request,
    services: ServicesDep,
    status: Annotated[JobStatus | None, Blank, Query()] = None,
    collection: CollectionField = None,
    cursor: Cursor = None,
) -> Response:
    """Returns the page, or for htmx the list alone."""
    listed = await services.jobs.jobs(
        status=status, collection=collection, cursor=cursor, limit=JOBS_PER_PAGE
    )
    values = {
        "jobs": list(map(to_job_summary_schema, listed.items)),
        "next_cursor": listed.next_cursor,
        "filters": {"status": status, "collection": collection},
        "cursor": cursor,
    }
    if wants_fragment(request):
        return render(request, "job_list.html", **values)
    collections = await services.documents.collections()
    statuses = list(JobStatus)
    return render(request, "jobs.html", statuses=statuses, collections=collections, **values)


@router.get("/jobs/{job_id}")
async def job_page(request: Request, services: ServicesDep, job_id: JobId) -> Response:
    """Returns the page of a job with its events."""
    job = await _job(job_id, services)
    events = await services.events.after(job_id, 0, SHOWN_EVENTS)
    files = {task.task_id: task.filename for task in job["job"].tasks}
    return render(request, "job.html", events=events, files=files, **job)


@router.get("/jobs/{job_id}/progress")
async def job_progress(request: Request, services: ServicesDep, job_id: JobId) -> Response:
    """Returns the progress of a job, as a part of a page that polls it."""
    return render(request, "job_progress.html", **await _job(job_id, services))


async def _job(job_id: str, services: Services) -> dict[str, Any]:
    job = await services.jobs.job(job_id)
    tasks = await services.jobs.tasks(job_id, limit=SHOWN_TASKS)
    return {"job": to_job_schema(job, tasks), "shown_tasks": SHOWN_TASKS}
