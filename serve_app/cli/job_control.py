"""`paperworks cancel`, `retry` and `failures`: what people tell a job to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import AsJson, Home, Url, library, plural, say, say_json

if TYPE_CHECKING:
    from serve_app.schemas.core import IncompleteTask

JobId = Annotated[str, typer.Argument(help="The job, as `paperworks jobs` lists it.")]
Keep = Annotated[
    bool, typer.Option("--keep-chunks", help="What can be searched of papers read in part stays.")
]
Wait = Annotated[bool, typer.Option(help="Follow the job to its end.")]
Most = Annotated[int, typer.Option(min=1, max=200, help="Most papers listed.")]


def cancel(
    job_id: JobId,
    keep_chunks: Keep = False,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """End a job; papers that are complete stay."""
    with library(url, home) as client:
        answer = client.cancel(job_id, keep_chunks=keep_chunks)
        if as_json:
            say_json(answer)
            return
        say(f"{job_id}: {plural(answer.cancelled, 'paper')} cancelled. {answer.message}")


def retry(
    job_id: JobId, wait: Wait = True, as_json: AsJson = False, url: Url = None, home: Home = None
) -> None:
    """Take up what failed or was cancelled, and follow it."""
    from serve_app.cli.progress import follow

    with library(url, home) as client:
        answer = client.retry(job_id)
        if as_json:
            say_json(answer)
            return
        say(f"{job_id}: {plural(answer.retried, 'paper')} queued again. {answer.message}")
        if wait and answer.retried:
            [job] = follow(client, [job_id])
            raise typer.Exit(0 if job.status == "completed" else 1)


def failures(
    job_id: JobId,
    limit: Most = 50,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """List papers of a job that failed, and those with pages that could not be read."""
    with library(url, home) as client:
        page = client.failures(job_id, limit=limit)
        if as_json:
            say_json(page)
            return
        for one in page.items:
            say(failure_line(one))
        if not page.items:
            say(f"Nothing of {job_id} has failed.")
        elif page.next_cursor:
            say("There are more; raise --limit.")


def failure_line(one: IncompleteTask) -> str:
    """What went wrong with a paper, on one line."""
    from serve_app.cli.progress import task_line

    if one.pages_failed:
        numbers = ", ".join(map(str, one.pages_failed))
        many = "s" if len(one.pages_failed) > 1 else ""
        return f"{one.filename}: page{many} {numbers} could not be read"
    return task_line(one)
