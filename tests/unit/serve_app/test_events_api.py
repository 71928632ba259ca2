"""The event stream of a job: HTTP, both clients, and the command line."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest
from typer.testing import CliRunner

from serve_app.cli.main import app
from serve_app.client import AsyncClient, Client, PaperworksProblem, ServiceUnreachable
from tests.unit.serve_app.library import NO_TEXT, Library, pdf


async def finished_job(library: Library) -> str:
    job_id = (await library.upload(pdf("one"))).json()["job_id"]
    await library.read_papers("A paper on foxes")
    return job_id


def parse_events(stream: str) -> list[tuple[str, dict]]:
    """Returns the names and the data of the events of a stream."""
    events = []
    for block in stream.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        events.append((fields["event"], json.loads(fields["data"])))
    return events


async def test_event_stream_replays_events_and_ends_with_the_job(library: Library) -> None:
    job_id = await finished_job(library)
    answer = await library.get(f"/jobs/{job_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = parse_events(answer.text)
    names = ["task_queued", "task_started", "job_started", "task_completed", "job_completed"]
    assert [name for name, _ in events] == [*names, "closed"]
    assert [data["number"] for _, data in events[:-1]] == [1, 2, 3, 4, 5]
    assert events[3][1]["before"] == "running" and events[3][1]["searchable"]


async def test_event_stream_resumes_after_last_event_id(library: Library) -> None:
    job_id = await finished_job(library)
    answer = await library.get(f"/jobs/{job_id}/events", headers={"Last-Event-ID": "3"})
    assert [name for name, _ in parse_events(answer.text)] == [
        "task_completed",
        "job_completed",
        "closed",
    ]


async def test_event_stream_rejects_unknown_job_and_bad_last_event_id(library: Library) -> None:
    assert (await library.get("/jobs/job_unknown/events")).json()["code"] == "not_found"
    job_id = await finished_job(library)
    for odd in ("x", "-1", str(2**31), "9" * 40):
        answer = await library.get(f"/jobs/{job_id}/events", headers={"Last-Event-ID": odd})
        assert answer.status_code == 422


async def test_clients_follow_events_of_a_running_job(library: Library, url: str) -> None:
    library.worker_paused = True
    with Client(url) as client:
        job_id = (await asyncio.to_thread(client.upload, pdf("one"))).job_id
        following = asyncio.create_task(asyncio.to_thread(list, client.events(job_id)))
        received = []
        async with AsyncClient(url) as async_client:
            async for event in async_client.events(job_id):
                received.append(event)
                if event.name == "task_queued":
                    [task] = await library.claim()
                    await library.stores.queue.fail(task, NO_TEXT)
        assert [event.name for event in received][-2:] == ["task_failed", "job_failed"]
        assert received[-2].error is not None and received[-2].error.code == "no_text"
        assert await following == received


def test_client_events_raise_problem_of_unknown_job(url: str) -> None:
    with Client(url) as client, pytest.raises(PaperworksProblem, match="There is no job"):
        next(iter(client.events("job_unknown")))


async def test_client_resumes_interrupted_event_stream(library: Library) -> None:
    """The client resumes after its last event number, and gives up after its retries."""
    job_id = await finished_job(library)
    whole = (await library.get(f"/jobs/{job_id}/events")).content
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["last-event-id"])
        rest = whole.split(b"\n\n")[int(asked[-1]) :]
        return httpx.Response(200, content=b"\n\n".join(rest[:3]) + b"\n\n")

    with Client(retries=1, transport=httpx.MockTransport(answer)) as client:
        assert [event.number for event in client.events(job_id)] == [1, 2, 3, 4, 5]
    assert asked == ["0", "3"]

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append("again")
        raise httpx.ReadError("broken", request=request)

    refusing = Client(retries=1, transport=httpx.MockTransport(refuse))
    with refusing, pytest.raises(ServiceUnreachable):
        list(refusing.events(job_id))
    assert asked[2:] == ["again", "again"]


def test_events_command_prints_one_line_per_event(library: Library, url: str) -> None:
    with Client(url) as client:
        job_id = client.upload(pdf("one"), filename="foxes.pdf").job_id
        client.wait(job_id, 30)
    done = CliRunner().invoke(app, ["events", job_id, "--url", url])
    lines = done.output.splitlines()
    assert done.exit_code == 0 and "task_completed" in lines[-2] and "foxes.pdf" in lines[-2]
    asked = ["events", job_id, "--after", "2", "--json", "--url", url]
    only = CliRunner().invoke(app, asked).output.splitlines()
    assert [json.loads(line)["number"] for line in only] == list(range(3, len(lines) + 1))


async def test_clients_follow_the_events_of_a_collection(library: Library, url: str) -> None:
    await library.upload(pdf("zero"), collection="default")
    first = []
    async with AsyncClient(url) as client:
        feed = client.collection_events("default")
        following = asyncio.ensure_future(anext(feed))
        while not following.done():
            await library.upload(pdf(str(time.monotonic_ns())), collection="default")
            await asyncio.sleep(0.1)
        first.append(await following)
        await library.upload(pdf("elsewhere"), collection="others")
        job_id = (await library.upload(pdf("one"))).json()["job_id"]
        while first[-1].name != "job_completed" or first[-1].job_id != job_id:
            first.append(await anext(feed))
    collections = {(await library.stores.jobs.job(event.job_id)).collection for event in first}
    assert collections == {"default"}
    of_job = [event.name for event in first if event.job_id == job_id]
    assert (of_job[0], of_job[-1]) == ("task_queued", "job_completed")


async def test_collection_stream_refuses_unknown_collection_and_bad_position(
    library: Library,
) -> None:
    assert (await library.get("/collections/nowhere/events")).json()["code"] == "unknown_collection"
    await library.upload(pdf())
    for odd in ("x", "-1", "1..", "9" * 61):
        headers = {"Last-Event-ID": odd}
        answer = await library.get("/collections/default/events?seconds=0", headers=headers)
        assert answer.status_code in (400, 422), odd


async def test_collection_stream_continues_where_it_ended(library: Library) -> None:
    await library.upload(pdf())
    path = "/collections/default/events?seconds=0"
    [(name, _)] = parse_events((first := await library.get(path)).text)
    assert name == "opened"
    [position] = [line[4:] for line in first.text.splitlines() if line.startswith("id: ")]
    job_id = (await library.upload(pdf("one"))).json()["job_id"]
    again = parse_events((await library.get(path, headers={"Last-Event-ID": position})).text)
    assert [(name, data.get("job_id")) for name, data in again] == [
        ("opened", None),
        ("task_queued", job_id),
    ]
