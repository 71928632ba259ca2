"""Follows jobs over HTTP until they end, and prints the result of each paper."""

from __future__ import annotations

from collections.abc import Sequence

from serve_app.cli.common import plural, print_line
from serve_app.cli.progress_display import ProgressDisplay, progress_display, progress_text
from serve_app.client import Client
from serve_app.schemas.core import Job, Task

POLL_SECONDS = 0.5
MAX_PAPER_BARS = 12  # a larger job has one bar for all its papers


def follow(client: Client, job_ids: Sequence[str]) -> list[Job]:
    """Returns the jobs when all have ended; shows their progress, then prints their results."""
    ended: dict[str, Job] = {}
    with progress_display() as display:
        while open_ids := [job_id for job_id in job_ids if job_id not in ended]:
            for job_id in open_ids:
                job = client.job(job_id, wait_seconds=POLL_SECONDS / len(open_ids))
                show_progress(display, job)
                if job.is_final:
                    ended[job_id] = job
    jobs = [ended[job_id] for job_id in job_ids]
    for job in jobs:
        print_result(job)
    return jobs


def print_result(job: Job) -> None:
    """Prints a line for each paper of the job (the first 100), and a total if there are several."""
    for task in job.tasks:
        print_line(task_line(task))
    if job.counts.total > 1:
        counts = job.counts
        parts = {
            "completed": counts.completed,
            "failed": counts.failed,
            "cancelled": counts.cancelled,
        }
        summary = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
        print_line(f"{job.job_id}: {job.status}: {summary} of {plural(counts.total, 'paper')}")


def task_line(task: Task) -> str:
    """Returns the state of a paper, with its error or its number of pages and chunks."""
    if task.error and task.status != "completed":
        return f"{task.filename}: {task.status} ({task.error.code}): {task.error.message}"
    pages = plural(task.pages_total or task.pages_done, "page")
    return f"{task.filename}: {task.status}, {pages}, {plural(task.chunks_done, 'chunk')}"


def show_progress(display: ProgressDisplay, job: Job) -> None:
    """Updates the display: by paper for a small job on bars, else by job."""
    if display.shows_papers and job.counts.total <= MAX_PAPER_BARS:
        for task in job.tasks:
            _show_task(display, task)
    elif display.shows_papers or not job.is_final:
        _show_job(display, job)


def _show_job(display: ProgressDisplay, job: Job) -> None:
    counts, progress = job.counts, job.progress
    ended = counts.completed + counts.failed + counts.cancelled
    text = progress_text(ended, counts.total, progress.pages_done, progress.chunks_done)
    if not display.shows_papers:
        text = f"{job.status}, {text}"
    display.update(job.job_id, job.job_id, text, progress.fraction * 100, 100)


def _show_task(display: ProgressDisplay, task: Task) -> None:
    is_final = task.status.is_final
    total = task.pages_total or (1 if is_final else None)
    completed = total if is_final and total else task.pages_done
    pages = f"{task.pages_done}/{task.pages_total}" if task.pages_total else str(task.pages_done)
    text = f"{task.status}, {pages} pages, {plural(task.chunks_done, 'chunk')}"
    display.update(str(task.task_id), task.filename, text, completed, total)
