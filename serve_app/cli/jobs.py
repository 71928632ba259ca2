"""`paperworks jobs`: what was asked for, and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import (
    AsJson,
    Home,
    OnlyCollection,
    Url,
    library,
    plural,
    say,
    say_json,
)

if TYPE_CHECKING:
    from serve_app.schemas.core import JobSummary

JobId = Annotated[str | None, typer.Argument(help="One job; without it the newest are listed.")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow to the end.")]
Status = Annotated[str | None, typer.Option(help="queued, running, completed, partial, failed, …")]
Most = Annotated[int, typer.Option(min=1, max=200, help="Most jobs listed.")]


def jobs(
    job_id: JobId = None,
    watch: Watch = False,
    status: Status = None,
    collection: OnlyCollection = None,
    limit: Most = 20,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """List jobs, show one, or watch until it ends (without JOB_ID: every open one)."""
    from serve_app.cli.progress import follow, print_result

    with library(url, home) as client:
        if watch:
            names = [job_id] if job_id else _open_jobs(client)
            ended = follow(client, names)
            raise typer.Exit(1 if any(job.status != "completed" for job in ended) else 0)
        if job_id is not None:
            job = client.job(job_id)
            if as_json:
                say_json(job)
            else:
                say(job_line(job))
                print_result(job)
            raise typer.Exit(1 if job.status in ("failed", "partial") else 0)
        page = client.jobs(status=status, collection=collection, limit=limit)
        if as_json:
            say_json(page)
        elif not page.items:
            say("No jobs. `paperworks upload FILE.pdf` makes one.")
        else:
            for summary in page.items:
                say(job_line(summary))


def job_line(job: JobSummary) -> str:
    """A job on one line."""
    counts, progress = job.counts, job.progress
    ended = counts.completed + counts.failed + counts.cancelled
    others = [(counts.failed, "failed"), (counts.cancelled, "cancelled")]
    failed = "".join(f", {count} {name}" for count, name in others if count)
    return (
        f"{job.job_id}  {job.created_at:%Y-%m-%d %H:%M:%S}  {job.status:<9}  {job.collection}  "
        f"{ended} of {plural(counts.total, 'paper')}{failed}, "
        f"{plural(progress.pages_done, 'page')}, {plural(progress.chunks_done, 'chunk')}"
    )


def _open_jobs(client) -> list[str]:
    listed = [client.jobs(status=status, limit=200).items for status in ("running", "queued")]
    return [job.job_id for page in listed for job in page]
