"""Progress of jobs: bars in a terminal, a line every few seconds elsewhere; and their results."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from domain.wording import plural
from serve_app.cli.common import print_line, printable
from serve_app.client import Client
from serve_app.schemas.core import Job, JobSummary, Task

POLL_SECONDS = 0.5
MAX_PAPER_BARS = 12  # a larger job has one bar for all its papers
SECONDS_PER_LINE = 5.0
BAR_WIDTH = 28
LABEL_WIDTH = 40


class ProgressDisplay(Progress):
    """Shows the progress of one or more tasks, each identified by a key.

    With `shows_bars` (default: if stdout is a terminal) each key has a bar; the bars disappear at
    the end. Otherwise a line is printed at most every five seconds, for logs and pipes.
    """

    def __init__(self, shows_bars: bool | None = None) -> None:
        self.shows_bars = sys.stdout.isatty() if shows_bars is None else shows_bars
        self._bars: dict[str, TaskID] = {}
        self._printed_at = time.monotonic()
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=BAR_WIDTH),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
            transient=True,
            disable=not self.shows_bars,
        )

    def show(
        self, key: str, label: str, text: str, completed: float = 0, total: float | None = None
    ) -> None:
        """Moves the bar of `key`, which is indeterminate without a `total`; or prints the text."""
        if self.shows_bars:
            if key not in self._bars:
                short = Text(label)
                short.truncate(LABEL_WIDTH, overflow="ellipsis")
                self._bars[key] = self.add_task(short.plain, total=total, text=text)
            self.update(self._bars[key], completed=completed, total=total, text=text)
        elif time.monotonic() - self._printed_at >= SECONDS_PER_LINE:
            self._printed_at = time.monotonic()
            print_line(f"{label}: {text}")


def follow(client: Client, job_ids: Sequence[str]) -> list[Job]:
    """Returns the jobs when all have ended; shows their progress, then prints their results."""
    ended: dict[str, Job] = {}
    with ProgressDisplay() as display:
        while open_ids := [job_id for job_id in job_ids if job_id not in ended]:
            for job_id in open_ids:
                job = client.job(job_id, wait_seconds=POLL_SECONDS / len(open_ids))
                show_progress(display, job)
                if job.is_final:
                    ended[job_id] = job
    jobs = [ended[job_id] for job_id in job_ids]
    for job in jobs:
        for line in result_lines(job):
            print_line(line)
    return jobs


def result_lines(job: Job) -> Iterator[str]:
    """Yields a line for each paper of the job (the first 100), and a total if there are several."""
    yield from map(task_line, job.tasks)
    if job.counts.total > 1:
        ended = [(name, getattr(job.counts, name)) for name in ("completed", "failed", "cancelled")]
        summary = ", ".join(f"{count} {name}" for name, count in ended if count)
        yield f"{job.job_id}: {job.status}: {summary} of {plural(job.counts.total, 'paper')}"


def task_line(task: Task) -> str:
    """Returns the state of a paper, with its error or its number of pages and chunks."""
    if task.error and task.status != "completed":
        return f"{task.filename}: {task.status} ({task.error.code}): {task.error.message}"
    pages = plural(task.pages_total or task.pages_done, "page")
    line = f"{task.filename}: {task.status}, {pages}, {plural(task.chunks_done, 'chunk')}"
    if not task.same_work_as:
        return line
    title = printable(task.same_work_title or "no title")
    return f"{line}. The library already has this work: {title} ({', '.join(task.same_work_as)})"


def show_progress(display: ProgressDisplay, job: Job) -> None:
    """Updates the display: by paper for a small job on bars, else by job."""
    if display.shows_bars and job.counts.total <= MAX_PAPER_BARS:
        for task in job.tasks:
            _show_task(display, task)
    else:
        show_job(display, job)


def show_job(display: ProgressDisplay, job: JobSummary) -> None:
    """Shows the progress of a job; a job that has ended prints no line."""
    if job.status.is_final and not display.shows_bars:
        return
    counts, progress = job.counts, job.progress
    ended = counts.completed + counts.failed + counts.cancelled
    text = (
        f"{ended} of {plural(counts.total, 'paper')}, {plural(progress.pages_read, 'page')}, "
        f"{plural(progress.chunks_done, 'chunk')}"
    )
    if not display.shows_bars:
        text = f"{job.status}, {text}"
    display.show(job.job_id, job.job_id, text, progress.fraction * 100, 100)


def _show_task(display: ProgressDisplay, task: Task) -> None:
    is_final = task.status.is_final
    total = task.pages_total or (1 if is_final else None)
    completed = total if is_final and total else task.pages_done
    pages = f"{task.pages_done}/{task.pages_total}" if task.pages_total else str(task.pages_done)
    text = f"{task.status}, {pages} pages, {plural(task.chunks_done, 'chunk')}"
    display.show(str(task.task_id), task.filename, text, completed, total)
