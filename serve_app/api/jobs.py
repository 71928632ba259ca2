"""Jobs: list, follow and control them; their progress, failures and events (SSE)."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from domain.errors import Unavailable
from domain.folder_jobs import FOLDER
from domain.jobs import JobStatus, WaitFor
from serve_app.access.requirements import CHANGES, FOLLOWS, AccessDep
from serve_app.api.parameters import CollectionFilter, Cursor, JobId, JobIds, LastEventId, Limit
from serve_app.api.problems import problem_responses
from serve_app.api.serializers import (
    to_event_schema,
    to_incomplete_task_schema,
    to_job_schema,
    to_job_summary_schema,
    to_task_schemas,
)
from serve_app.api.services import PREFIX, Services, ServicesDep
from serve_app.library.works import links_of_events, links_of_tasks
from serve_app.schemas import core as schemas
from stores.postgres.cursors import decode_offset, encode_offset

router = APIRouter(prefix=f"{PREFIX}/jobs", tags=["jobs"], dependencies=[FOLLOWS])

SHOWN_TASKS = 100
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.02, 0.5
POLL_SECONDS = 0.5  # of an event stream without notifications
EVENTS_PAGE = 500


@router.get("", responses=problem_responses())
async def list_jobs(
    services: ServicesDep,
    access: AccessDep,
    status: JobStatus | None = None,
    collection: CollectionFilter = None,
    job_id: JobIds = None,
    unacknowledged: Annotated[
        bool, Query(description="Only jobs with unacknowledged failures.")
    ] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> schemas.Listed[schemas.JobSummary]:
    """Returns jobs, newest first; `job_id` may be repeated, unknown ones are left out."""
    page = await services.jobs.jobs(
        status=status,
        collection=collection,
        job_ids=job_id,
        among=access.collections,
        unacknowledged=unacknowledged,
        cursor=cursor,
        limit=limit,
    )
    items = list(map(to_job_summary_schema, page.items))
    return schemas.Listed(items=items, next_cursor=page.next_cursor)


@router.get("/{job_id}", responses=problem_responses(404, 410))
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
    return await job_with_tasks(job_id, services)


async def job_with_tasks(job_id: str, services: Services, first: int = 0) -> schemas.Job:
    """Returns a job with SHOWN_TASKS of its tasks, from number `first` on.

    Raises NotFound, Expired.
    """
    job = await services.jobs.job(job_id)
    folder = await services.folders.get(job_id) if job.kind == FOLDER else None
    tasks = await services.jobs.tasks(job_id, limit=SHOWN_TASKS, first=first)
    return to_job_schema(job, tasks, await links_of_tasks(tasks, services), folder)


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


@router.post(
    "/{job_id}/cancel",
    status_code=202,
    responses=problem_responses(404, 410),
    dependencies=[CHANGES],
)
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
    cancelled = (await services.job_control.cancel(job_id, keep_chunks=keep_chunks)).tasks
    services.cancelled(job_id)
    services.deletions_due()
    message = "The job had no open tasks; nothing was changed."
    if cancelled:
        message = (
            "Cancelled. Completed papers remain searchable. To read the others, retry the job."
        )
    return schemas.CancelAccepted(
        message=message, job_id=job_id, cancelled=cancelled, status_endpoint=f"/jobs/{job_id}"
    )


@router.post(
    "/{job_id}/retry",
    status_code=202,
    responses=problem_responses(404, 410),
    dependencies=[CHANGES],
)
async def retry_job(job_id: JobId, services: ServicesDep) -> schemas.RetryAccepted:
    """Retries failed and cancelled tasks, and papers with unreadable pages.

    Each task continues from its last checkpoint. The job runs again under the same id.
    """
    retried = await services.job_control.retry(job_id)
    services.wake_all_lanes()
    message = "Accepted. Follow the job." if retried else "The job has no failed tasks."
    return schemas.RetryAccepted(
        message=message, job_id=job_id, retried=retried, status_endpoint=f"/jobs/{job_id}"
    )


@router.post(
    "/{job_id}/acknowledge", responses=problem_responses(404, 409, 410), dependencies=[CHANGES]
)
async def acknowledge_job(job_id: JobId, services: ServicesDep) -> schemas.Acknowledged:
    """Marks the failures of a job that has ended as seen. The request is idempotent.

    Until then the job is kept and listed with `unacknowledged=true`. If a retry fails again, the
    new failures are unacknowledged.
    """
    await services.job_control.acknowledge(job_id)
    job = await services.jobs.job(job_id)
    return schemas.Acknowledged(
        message="Acknowledged." if job.acknowledged_at else "The job has no failed tasks.",
        job_id=job_id,
        acknowledged_at=job.acknowledged_at,
        acknowledged_by=job.acknowledged_by,
    )


@router.get("/{job_id}/failures", responses=problem_responses(404, 410))
async def list_failures(
    job_id: JobId, services: ServicesDep, cursor: Cursor = None, limit: Limit = 50
) -> schemas.Listed[schemas.IncompleteTask]:
    """Returns failed tasks and tasks with unreadable pages, latest first."""
    page = await services.job_control.failures(job_id, cursor=cursor, limit=limit)
    items = list(map(to_incomplete_task_schema, page.items))
    return schemas.Listed(items=items, next_cursor=page.next_cursor)


async def _known(job_id: JobId, services: ServicesDep) -> str:
    """Returns the id if the job exists. Raises NotFound, Expired.

    Runs before the stream starts, because a started stream cannot become a 404.
    """
    await services.jobs.job(job_id)
    return job_id


@router.get("/{job_id}/tasks", responses=problem_responses(404, 410))
async def list_tasks(
    job_id: Annotated[str, Depends(_known)],
    services: ServicesDep,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> schemas.Listed[schemas.Task]:
    """Returns the tasks of a job in the order of their uploads."""
    first = decode_offset(cursor)
    tasks = await services.jobs.tasks(job_id, limit=limit + 1, first=first)
    links = await links_of_tasks(tasks[:limit], services)
    return schemas.Listed(
        items=to_task_schemas(tasks[:limit], links),
        next_cursor=encode_offset(first + limit) if len(tasks) > limit else None,
    )


@router.get(
    "/{job_id}/events", response_class=EventSourceResponse, responses=problem_responses(404, 410)
)
async def follow_job(
    job_id: Annotated[str, Depends(_known)], services: ServicesDep, last_event_id: LastEventId = 0
) -> AsyncIterator[ServerSentEvent]:
    """Streams every state change of the job and its tasks in order, starting with past events.

    After the job has ended, the stream sends `closed` and ends. The id of an event is its number: a
    client that reconnects with it as Last-Event-ID misses no event.
    """
    number = last_event_id
    try:
        async with services.notifications.subscribe(job_id) as wakeups:
            while True:
                has_ended = await services.jobs.has_come(job_id, WaitFor.DONE)
                while events := await services.events.after(job_id, number, EVENTS_PAGE):
                    links = await links_of_events(events, services)
                    for event in events:
                        number = event.number
                        data = to_event_schema(event, links)
                        yield ServerSentEvent(id=str(number), event=event.name, data=data)
                if has_ended:
                    yield ServerSentEvent(event=schemas.CLOSED, data={"job_id": job_id})
                    return
                # The first papers of a job that was opened without any send no notification.
                await wakeups.wait(POLL_SECONDS, math.inf if number else POLL_SECONDS)
    except Unavailable:  # the stream ends; the client reconnects and continues
        return
