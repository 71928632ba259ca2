"""`paperworks jobs`: lists jobs, shows one, or follows it until it ends."""

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
    print_json,
    print_line,
)

if TYPE_CHECKING:
    from serve_app.schemas.core import JobSummary

JobId = Annotated[str | None, typer.Argument(help="Job id; without it the newest jobs are listed.")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow until the end.")]
Status = Annotated[str | None, typer.Option(help="queued, running, completed, partial, failed, …")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="Maximum number of jobs listed.")]


def jobs(
    job_id: JobId = None,
    watch: Watch = False,
    status: Status = None,
    collection: OnlyCollection = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """List jobs, show one, or follow it until it ends (without JOB_ID: every open job)."""
    from serve_app.cli.progress import follow, print_result

    with library(url, home) as client:
        if watch:
            job_ids = [job_id] if job_id else _open_jobs(client)
            ended = follow(client, job_ids)
            raise typer.Exit(1 if any(job.status != "completed" for job in ended) else 0)
        if job_id is not None:
            job = client.job(job_id)
            if as_json:
                print_json(job)
            else:
                print_line(job_line(job))
                print_result(job)
            raise typer.Exit(1 if job.status in ("failed", "partial") else 0)
        page = client.jobs(status=status, collection=collection, limit=limit)
        if as_json:
            print_json(page)
        elif not page.items:
            print_line("No jobs. `paperworks upload FILE.pdf` starts one.")
        else:
            for summary in page.items:
                print_line(job_line(summary))


def job_line(job: JobSummary) -> str:
    """Returns a job on one line."""
    counts, progress = job.counts, job.progress
    ended = counts.completed + counts.failed + counts.cancelled
    unsuccessful = [(counts.failed, "failed"), (counts.cancelled, "cancelled")]
    failed = "".join(f", {count} {name}" for count, name in unsuccessful if count)
    return (
        f"{job.job_id}  {job.created_at:%Y-%m-%d %H:%M:%S}  {job.status:<9}  {job.collection}  "
        f"{ended} of {plural(counts.total, 'paper')}{failed}, "
        f"{plural(progress.pages_done, 'page')}, {plural(progress.chunks_done, 'chunk')}"
    )


def _open_jobs(client) -> list[str]:
    pages = [client.jobs(status=status, limit=200).items for status in ("running", "queued")]
    return [job.job_id for page in pages for job in page]
