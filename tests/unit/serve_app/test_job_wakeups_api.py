"""Long polls and event streams wait for notifications; the app closes their source."""

from __future__ import annotations

import asyncio

from domain.jobs import Upload, new_job_id
from tests.unit.serve_app.library import Library, pdf


async def test_long_poll_and_event_stream_wait_for_a_notification(library: Library) -> None:
    """With the connection reported as present, polling would take SAFETY_POLL_SECONDS."""
    notifications = library.services.notifications
    notifications.set_connected(True)
    job_id = (await library.upload(pdf())).json()["job_id"]
    waits = [
        asyncio.create_task(library.get(path))
        for path in (f"/jobs/{job_id}?wait=60", f"/jobs/{job_id}/events")
    ]
    await asyncio.sleep(0.1)
    await library.read_papers()
    await asyncio.sleep(1)  # longer than the poll intervals without notifications
    assert not any(wait.done() for wait in waits)
    notifications.notify(job_id)
    async with asyncio.timeout(10):
        poll, stream = await asyncio.gather(*waits)
    assert poll.json()["status"] == "completed"
    assert "event: closed" in stream.text


async def test_event_stream_of_empty_job_polls_for_its_first_papers(library: Library) -> None:
    """The first papers of a job send no notification."""
    library.services.notifications.set_connected(True)
    job_id = new_job_id()
    await library.stores.jobs.admit("papers", [], job_id=job_id, more_to_come=True)
    stream = asyncio.create_task(library.get(f"/jobs/{job_id}/events"))
    await asyncio.sleep(0.1)
    upload = Upload("a.pdf", "a" * 64, 1)
    await library.stores.jobs.admit("papers", [upload], job_id=job_id)
    await library.stores.job_control.cancel(job_id)
    async with asyncio.timeout(5):
        assert "event: closed" in (await stream).text


async def test_app_closes_notifications_at_shutdown(library: Library) -> None:
    closed = []

    async def close() -> None:
        closed.append(True)

    library.services.notifications.close = close
    async with library.app.router.lifespan_context(library.app):
        assert not closed
    assert closed == [True]
