"""What happens to a job, as it happens: server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent

from domain.errors import Unavailable
from domain.jobs import WaitFor
from serve_app.api.context import PREFIX, ServicesHere
from serve_app.api.parameters import JobId, LastEventId
from serve_app.api.problems import documented
from serve_app.api.serializers.core import event_shape
from serve_app.api.services import Services
from serve_app.client.event_stream import CLOSED

router = APIRouter(prefix=PREFIX, tags=["jobs"])

POLL_SECONDS = 0.5  # without notifications
PAGE = 500


async def _known(job_id: JobId, services: ServicesHere) -> str:
    """The id of a job that exists: once a stream has begun it is too late for a 404."""
    await services.jobs.job(job_id)
    return job_id


@router.get(
    "/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses=documented(404, 410),
)
async def follow_job(
    job_id: Annotated[str, Depends(_known)], services: ServicesHere, last_event_id: LastEventId = 0
) -> AsyncIterator[ServerSentEvent]:
    """Every move of the job and of its tasks in order, the past ones first, until it has ended;
    then `closed`.

    An event's id is its number: whoever comes back with it as Last-Event-ID misses none.
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
                await wakeups.wait(POLL_SECONDS)
    except Unavailable:  # the stream ends; whoever follows comes back and goes on
        return


async def _page(services: Services, job_id: str, number: int) -> AsyncIterator[ServerSentEvent]:
    """All events after that number which are known by now."""
    while found := await services.events.after(job_id, number, PAGE):
        for one in found:
            yield ServerSentEvent(id=str(one.number), event=one.name, data=event_shape(one))
        number = found[-1].number
