"""Job control: cancel a job, retry its failed tasks, list its failures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from domain.jobs import Lane
from serve_app.api.context import PREFIX, ServicesDep
from serve_app.api.parameters import Cursor, JobId, Limit
from serve_app.api.problems import problem_responses
from serve_app.api.serializers.core import to_incomplete_task_schema
from serve_app.schemas import core as schemas

router = APIRouter(prefix=PREFIX, tags=["jobs"])


@router.post("/jobs/{job_id}/cancel", status_code=202, responses=problem_responses(404, 410))
async def cancel_job(
    job_id: JobId,
    services: ServicesDep,
    keep_chunks: Annotated[
        bool, Query(description="Keep the searchable parts of papers that are partly read.")
    ] = False,
) -> schemas.CancelAccepted:
    """Cancels a job: queued tasks end at once, running tasks within two seconds.

    Completed papers are kept, and so is everything that was searchable before the job started.
    Partly read papers are discarded unless `keep_chunks` is true. The request is idempotent.
    """
    cancelled = await services.job_control.cancel(job_id, keep_chunks=keep_chunks)
    services.cancelled(job_id)
    services.deletions_due()
    if cancelled.tasks:
        message = (
            "Cancelled. Completed papers remain searchable. To read the others, retry the job."
        )
    else:
        message = "The job had no open tasks; nothing was changed."
    return schemas.CancelAccepted(
        message=message,
        job_id=job_id,
        cancelled=cancelled.tasks,
        status_endpoint=_status_endpoint(job_id),
    )


@router.post("/jobs/{job_id}/retry", status_code=202, responses=problem_responses(404, 410))
async def retry_job(job_id: JobId, services: ServicesDep) -> schemas.RetryAccepted:
    """Retries failed and cancelled tasks, and papers with unreadable pages.

    Each task continues from its last checkpoint. The job runs again under the same id.
    """
    retried = await services.job_control.retry(job_id)
    for lane in Lane:
        services.wake(lane)
    message = "Accepted. Follow the job." if retried else "The job has no failed tasks."
    return schemas.RetryAccepted(
        message=message,
        job_id=job_id,
        retried=retried,
        status_endpoint=_status_endpoint(job_id),
    )


@router.get("/jobs/{job_id}/failures", responses=problem_responses(404, 410))
async def list_failures(
    job_id: JobId, services: ServicesDep, cursor: Cursor = None, limit: Limit = 50
) -> schemas.Listed[schemas.IncompleteTask]:
    """Returns failed tasks and tasks with unreadable pages, latest first."""
    page = await services.job_control.failures(job_id, cursor=cursor, limit=limit)
    items = list(map(to_incomplete_task_schema, page.items))
    return schemas.Listed(items=items, next_cursor=page.next_cursor)


def _status_endpoint(job_id: str) -> str:
    return f"/jobs/{job_id}"
