"""`paperworks cancel`, `retry` and `failures`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import AsJson, Home, Url, library, plural, print_json, print_line

if TYPE_CHECKING:
    from serve_app.schemas.core import IncompleteTask

JobId = Annotated[str, typer.Argument(help="Job id, as listed by `paperworks jobs`.")]
KeepChunks = Annotated[
    bool, typer.Option("--keep-chunks", help="Keep the passages of partially processed papers.")
]
Wait = Annotated[bool, typer.Option(help="Follow the job until it ends.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="Maximum number of papers listed.")]


def cancel(
    job_id: JobId,
    keep_chunks: KeepChunks = False,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """Cancel a job; completed papers are kept."""
    with library(url, home) as client:
        response = client.cancel(job_id, keep_chunks=keep_chunks)
        if as_json:
            print_json(response)
            return
        print_line(f"{job_id}: {plural(response.cancelled, 'paper')} cancelled. {response.message}")


def retry(
    job_id: JobId, wait: Wait = True, as_json: AsJson = False, url: Url = None, home: Home = None
) -> None:
    """Process the failed and cancelled papers of a job again, and follow it."""
    from serve_app.cli.progress import follow

    with library(url, home) as client:
        response = client.retry(job_id)
        if as_json:
            print_json(response)
            return
        print_line(
            f"{job_id}: {plural(response.retried, 'paper')} queued again. {response.message}"
        )
        if wait and response.retried:
            [job] = follow(client, [job_id])
            raise typer.Exit(0 if job.status == "completed" else 1)


def failures(
    job_id: JobId,
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """List the papers of a job that failed or have unreadable pages."""
    with library(url, home) as client:
        page = client.failures(job_id, limit=limit)
        if as_json:
            print_json(page)
            return
        for task in page.items:
            print_line(failure_line(task))
        if not page.items:
            print_line(f"No paper of {job_id} has failed.")
        elif page.next_cursor:
            print_line("There are more; raise --limit.")


def failure_line(task: IncompleteTask) -> str:
    """Returns the failure of a paper on one line."""
    from serve_app.cli.progress import task_line

    if task.pages_failed:
        numbers = ", ".join(map(str, task.pages_failed))
        plural_s = "s" if len(task.pages_failed) > 1 else ""
        return f"{task.filename}: page{plural_s} {numbers} could not be read"
    return task_line(task)
