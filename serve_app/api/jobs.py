"""Jobs: what was asked for, and how far it is."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query

from domain.jobs import JobStatus, WaitFor
from serve_app.api.context import PREFIX, ServicesHere
from serve_app.api.parameters import CollectionFilter, Cursor, JobId, Limit
from serve_app.api.problems import documented
from serve_app.api.serializers.core import job_shape, summary_shape
from serve_app.api.services import Services
from serve_app.schemas import core as schemas

router = APIRouter(prefix=PREFIX, tags=["jobs"])

SHOWN_TASKS = 100
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.02, 0.5


@router.get("/jobs", responses=documented())
async def list_jobs(
    services: ServicesHere,
    status: JobStatus | None = None,
    collection: CollectionFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> schemas.Listed[schemas.JobSummary]:
    """Jobs, newest first."""
    page = await services.jobs.jobs(
        status=status, collection=collection, cursor=cursor, limit=limit
    )
    return schemas.Listed(
        items=[summary_shape(job) for job in page.items], next_cursor=page.next_cursor
    )


@router.get("/jobs/{job_id}", responses=documented(404, 410))
async def get_job(
    job_id: JobId,
    services: ServicesHere,
    wait: Annotated[
        float, Query(ge=0, le=60, description="Seconds to wait for the end of the job.")
    ] = 0,
    until: Annotated[
        WaitFor, Query(description="searchable: wait only until its papers can be found.")
    ] = WaitFor.DONE,
) -> schemas.Job:
    """A job with its first 100 tasks; with `wait`, as soon as it has ended or that much later."""
    if wait:
        await _until(services, job_id, until, wait)
    job = await services.jobs.job(job_id)
    return job_shape(job, await services.jobs.tasks(job_id, limit=SHOWN_TASKS))


async def _until(services: Services, job_id: str, until: WaitFor, wait_seconds: float) -> None:
    """Returns when the job is so far, or after `wait_seconds`."""
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
