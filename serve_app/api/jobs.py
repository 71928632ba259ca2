"""Jobs: list them, and get the status and progress of one."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query

from domain.jobs import JobStatus, WaitFor
from serve_app.api.context import PREFIX, ServicesDep
from serve_app.api.parameters import CollectionFilter, Cursor, JobId, Limit
from serve_app.api.problems import problem_responses
from serve_app.api.serializers.core import to_job_schema, to_job_summary_schema
from serve_app.api.services import Services
from serve_app.schemas import core as schemas

router = APIRouter(prefix=PREFIX, tags=["jobs"])

SHOWN_TASKS = 100
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.02, 0.5


@router.get("/jobs", responses=problem_responses())
async def list_jobs(
    services: ServicesDep,
    status: JobStatus | None = None,
    collection: CollectionFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> schemas.Listed[schemas.JobSummary]:
    """Returns jobs, newest first."""
    page = await services.jobs.jobs(
        status=status, collection=collection, cursor=cursor, limit=limit
    )
    return schemas.Listed(
        items=[to_job_summary_schema(job) for job in page.items], next_cursor=page.next_cursor
    )


@router.get("/jobs/{job_id}", responses=problem_responses(404, 410))
async def get_job(
    job_id: JobId,
    services: ServicesDep,
    wait: Annotated[
        float, Query(ge=0, le=60, description="Maximum seconds to wait for the end of the job.")
    ] = 0,
    until: Annotated[
        WaitFor, Query(description="searchable: wait only until its papers are searchable.")
    ] = WaitFor.DONE,
) -> schemas.Job:
    """Returns a job with its first 100 tasks.

    With `wait` (long polling), returns when the job has ended or after `wait` seconds.
    """
    if wait:
        await _until(services, job_id, until, wait)
    job = await services.jobs.job(job_id)
    return to_job_schema(job, await services.jobs.tasks(job_id, limit=SHOWN_TASKS))


async def _until(services: Services, job_id: str, until: WaitFor, wait_seconds: float) -> None:
    """Returns once the job has reached `until`, or after `wait_seconds`."""
    began = time.monotonic()
    async with services.notifications.subscribe(job_id) as wakeups:
        while not await services.jobs.has_come(job_id, until):
            waited = time.monotonic() - began
            if waited >= wait_seconds:
                return
            # Polling interval without notifications: 1/40 of the elapsed time, so that a response
            # is at most 2.5 % late and long waits are cheap.
            poll_seconds = min(max(FIRST_LOOK_SECONDS, waited / 40), LONGEST_LOOK_SECONDS)
            await wakeups.wait(poll_seconds, wait_seconds - waited)
