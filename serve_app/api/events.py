"""The event stream of a job: server-sent events (SSE)."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent

from domain.errors import Unavailable
from domain.jobs import WaitFor
from serve_app.api.context import PREFIX, ServicesDep
from serve_app.api.parameters import JobId, LastEventId
from serve_app.api.problems import problem_responses
from serve_app.api.serializers.core import to_event_schema
from serve_app.api.services import Services
from serve_app.client.event_stream import CLOSED

router = APIRouter(prefix=PREFIX, tags=["jobs"])

POLL_SECONDS = 0.5  # without notifications
PAGE = 500


async def _known(job_id: JobId, services: ServicesDep) -> str:
    """Returns the id if the job exists. Raises NotFound, Expired.

    Runs before the stream starts, because a started stream cannot become a 404.
    """
    await services.jobs.job(job_id)
    return job_id


@router.get(
    "/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses=problem_responses(404, 410),
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
                async for event in _page(services, job_id, number):
                    number = int(event.id or number)
                    yield event
                if has_ended:
                    yield ServerSentEvent(event=CLOSED, data={"job_id": job_id})
                    return
                # The first papers of a job that was opened without any send no notification.
                await wakeups.wait(POLL_SECONDS, math.inf if number else POLL_SECONDS)
    except Unavailable:  # the stream ends; the client reconnects and continues
        return


async def _page(services: Services, job_id: str, number: int) -> AsyncIterator[ServerSentEvent]:
    """Yields all committed events after that number."""
    while events := await services.events.after(job_id, number, PAGE):
        for event in events:
            yield ServerSentEvent(
                id=str(event.number), event=event.name, data=to_event_schema(event)
            )
        number = events[-1].number
