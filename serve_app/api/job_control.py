"""What people tell a job to do: stop, take up what failed, say what went wrong."""

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
        bool, Query(description="What can be searched of papers read in part stays.")
    ] = False,
) -> schemas.CancelAccepted:
    """Ends a job: what waits at once, what is at work within two seconds.

    Papers that are complete stay, and so does what could be searched before the job came. Of papers
    that were read in part nothing stays, unless `keep_chunks` says so. Repeating it is harmless.
    """
    done = await services.job_control.cancel(job_id, keep_chunks=keep_chunks)
    services.cancelled(job_id)
    services.deletions_due()
    if done.tasks:
        message = "Cancelled. Papers that were complete can be searched; retry takes up the others."
    else:
        message = "Nothing of this job was open any more; it stays as it is."
    return schemas.CancelAccepted(
        message=message, job_id=job_id, cancelled=done.tasks, status_endpoint=_status(job_id)
    )


@router.post("/jobs/{job_id}/retry", status_code=202, responses=problem_responses(404, 410))
async def retry_job(job_id: JobId, services: ServicesDep) -> schemas.RetryAccepted:
    """Takes up what failed or was cancelled, each paper from its last checkpoint, and papers with
    pages that could not be read. The job runs again under its id."""
    retried = await services.job_control.retry(job_id)
    for lane in Lane:
        services.wake(lane)
    message = "Accepted. Follow the job." if retried else "Nothing of this job has failed."
    return schemas.RetryAccepted(
        message=message, job_id=job_id, retried=retried, status_endpoint=_status(job_id)
    )


@router.get("/jobs/{job_id}/failures", responses=problem_responses(404, 410))
async def list_failures(
    job_id: JobId, services: ServicesDep, cursor: Cursor = None, limit: Limit = 50
) -> schemas.Listed[schemas.IncompleteTask]:
    """Papers of the job that failed, and those with pages that could not be read; latest first."""
    page = await services.job_control.failures(job_id, cursor=cursor, limit=limit)
    items = [to_incomplete_task_schema(one) for one in page.items]
    return schemas.Listed(items=items, next_cursor=page.next_cursor)


def _status(job_id: str) -> str:
    return f"/jobs/{job_id}"
