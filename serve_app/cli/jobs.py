"""`paperworks jobs`, `cancel`, `retry`, `failures`, `acknowledge` and `events`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from domain.job_steps import papers_in_steps
from domain.wording import plural
from serve_app.cli.common import (
    AsJson,
    OnlyCollection,
    library_command,
    lines_on_stderr,
    print_line,
    printable,
    show,
)

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.core import Event, IncompleteTask, Job, JobSummary, Listed

JobId = Annotated[str, typer.Argument(help="Job id, as listed by `paperworks jobs`.")]
OneJob = Annotated[
    str | None, typer.Argument(help="Job id; without it the newest jobs are listed.")
]
Watch = Annotated[bool, typer.Option("--watch", help="Follow until the end.")]
Status = Annotated[str | None, typer.Option(help="queued, running, completed, partial, failed, …")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="Maximum number of jobs listed.")]
PaperLimit = Annotated[int, typer.Option(min=1, max=200, help="Maximum number of papers listed.")]
KeepChunks = Annotated[
    bool, typer.Option("--keep-chunks", help="Keep the passages of partially processed papers.")
]
Wait = Annotated[bool, typer.Option(help="Follow the job until it ends.")]
After = Annotated[int, typer.Option(min=0, help="Only events after this event number.")]
Unacknowledged = Annotated[
    bool,
    typer.Option("--unacknowledged", help="Only jobs with unacknowledged failures."),
]
AcknowledgedJob = Annotated[
    str | None, typer.Argument(help="Job id, as listed by `paperworks jobs --unacknowledged`.")
]
AllJobs = Annotated[bool, typer.Option("--all", help="The failures of all jobs.")]
MAX_NAMES = 200  # of papers that are queued again
NO_FAILURES = "No job has failures that are not acknowledged."
NO_JOBS = "No jobs. `paperworks upload FILE.pdf` starts one."


@library_command
def jobs(
    client: Client,
    job_id: OneJob = None,
    watch: Watch = False,
    status: Status = None,
    collection: OnlyCollection = None,
    unacknowledged: Unacknowledged = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, show one, or follow it until it ends (without JOB_ID: every open job).

    Example: paperworks jobs --watch --collection physics
    """
    from serve_app.cli.progress import result_lines
    from serve_app.cli.server_folder import folder_lines

    if watch:
        _watch(client, job_id, as_json)
    elif job_id is not None:
        job = client.job(job_id)
        folder = folder_lines(job.folder) if job.folder else ()
        show(job, as_json, [job_line(job), *folder, *result_lines(job)])
        raise typer.Exit(1 if job.status in ("failed", "partial") else 0)
    else:
        page = client.jobs(
            status=status, collection=collection, unacknowledged=unacknowledged, limit=limit
        )
        lines = map(job_line, page.items)
        nothing = NO_FAILURES if unacknowledged else NO_JOBS
        show(page, as_json, lines if page.items else [nothing])


def job_line(job: JobSummary) -> str:
    """Returns a job on one line, with the papers in each step while it is open."""
    counts, progress = job.counts, job.progress
    ended = counts.completed + counts.failed + counts.cancelled
    unsuccessful = [(counts.failed, "failed"), (counts.cancelled, "cancelled")]
    failed = "".join(f", {count} {name}" for count, name in unsuccessful if count)
    in_steps = papers_in_steps(progress.steps)
    return (
        f"{job.job_id}  {job.created_at:%Y-%m-%d %H:%M:%S}  {job.status:<9}  {job.collection}  "
        f"{ended} of {plural(counts.total, 'paper')}{failed}, "
        f"{plural(progress.pages_read, 'page')}, {plural(progress.chunks_done, 'chunk')}"
        f"{f'; {in_steps}' if in_steps else ''}"
    )


def _open_jobs(client: Client) -> list[str]:
    pages = [client.jobs(status=status, limit=200).items for status in ("running", "queued")]
    return [job.job_id for page in pages for job in page]


def _watch(client: Client, job_id: str | None, as_json: bool) -> None:
    """Follows a job or all open ones, and exits: with code 0 if all completed."""
    from serve_app.schemas.core import Job, Listed

    ended = _followed(client, [job_id] if job_id else _open_jobs(client), as_json)
    if as_json:
        show(ended[0] if job_id else Listed[Job](items=ended, next_cursor=None), as_json, ())
    raise typer.Exit(_exit_code(ended))


def _followed(client: Client, job_ids: list[str], as_json: bool) -> list[Job]:
    from serve_app.cli.progress import follow

    with lines_on_stderr(as_json):
        return follow(client, job_ids)


def _exit_code(ended: list[Job]) -> int:
    return 1 if any(job.status != "completed" for job in ended) else 0


@library_command
def cancel(
    client: Client, job_id: JobId, keep_chunks: KeepChunks = False, as_json: AsJson = False
) -> None:
    """Cancel a job; completed papers are kept.

    Example: paperworks cancel job_66a1b77ffe26712b
    """
    done = client.cancel(job_id, keep_chunks=keep_chunks)
    line = f"{job_id}: {plural(done.cancelled, 'paper')} cancelled. {done.message}"
    show(done, as_json, [line])


@library_command
def retry(client: Client, job_id: JobId, wait: Wait = True, as_json: AsJson = False) -> None:
    """Process the failed and cancelled papers of a job again, and follow it.

    Example: paperworks retry job_66a1b77ffe26712b --wait
    """
    names = [] if as_json else list(_retryable(client, job_id))
    done = client.retry(job_id)
    line = f"{job_id}: {plural(done.retried, 'paper')} queued again. {done.message}"
    show(done, as_json, [line, *(f"  {printable(name)}" for name in names[: done.retried])])
    if wait and done.retried:
        raise typer.Exit(_exit_code(_followed(client, [job_id], as_json)))


def _retryable(client: Client, job_id: str) -> Iterator[str]:
    """Yields the names of the failed and cancelled papers of a job that are not deleted."""
    cancelled = [task for task in client.job(job_id).tasks if task.status == "cancelled"]
    failed = client.failures(job_id, limit=MAX_NAMES).items
    yield from (task.filename for task in (*failed, *cancelled) if task.filename)


@library_command
def acknowledge(
    client: Client,
    job_id: AcknowledgedJob = None,
    all_jobs: AllJobs = False,
    collection: OnlyCollection = None,
    as_json: AsJson = False,
) -> None:
    """Mark the failures of a job as seen, so that it is not listed as open any more.

    Example: paperworks acknowledge job_66a1b77ffe26712b
    """
    if (job_id is None) != all_jobs:
        raise typer.BadParameter("Give either a JOB_ID or --all.")
    if job_id is not None:
        done = client.acknowledge(job_id)
        show(done, as_json, [f"{job_id}: {done.message}"])
    else:
        everything = client.acknowledge_all(collection=collection)
        line = f"The failures of {plural(everything.acknowledged, 'job')} were acknowledged."
        show(everything, as_json, [line])


@library_command
def failures(
    client: Client, job_id: JobId, limit: PaperLimit = 50, as_json: AsJson = False
) -> None:
    """List the papers of a job that failed or have unreadable pages.

    Example: paperworks failures job_66a1b77ffe26712b --json
    """
    page = client.failures(job_id, limit=limit)
    show(page, as_json, _failure_lines(job_id, page))


def _failure_lines(job_id: str, page: Listed[IncompleteTask]) -> Iterator[str]:
    from serve_app.cli.progress import task_line

    for task in page.items:
        if task.pages_failed:
            numbers = ", ".join(map(str, task.pages_failed))
            noun = "page" if len(task.pages_failed) == 1 else "pages"
            yield f"{task.filename}: {noun} {numbers} could not be read"
        else:
            yield task_line(task)
    if not page.items:
        yield f"No paper of {job_id} has failed."
    elif page.next_cursor:
        yield "There are more; raise --limit."


@library_command
def events(client: Client, job_id: JobId, after: After = 0, as_json: AsJson = False) -> None:
    """Print every state change of a job and of its papers, and follow it until it ends.

    Example: paperworks events job_66a1b77ffe26712b
    """
    names: dict[UUID, str] = {}
    for event in client.events(job_id, after):
        if as_json:
            print_line(event.model_dump_json())
            continue
        if event.task_id and event.task_id not in names:
            names |= {task.task_id: task.filename for task in client.job(job_id).tasks}
        print_line(event_line(event, names))


def event_line(event: Event, names: dict[UUID, str]) -> str:
    """Returns an event on one line; a paper without a name in `names` is shown by its task id."""
    paper = names.setdefault(event.task_id, str(event.task_id)) if event.task_id else ""
    step = f"{event.step}, attempt {event.attempt}" if event.attempt else event.step or ""
    error = f"{event.error.code}: {event.error.message}" if event.error else ""
    details = "  ".join(part for part in (printable(paper), step, printable(error)) if part)
    return f"{event.number:>5}  {event.at:%H:%M:%S}  {event.name:<15}  {details}".rstrip()
