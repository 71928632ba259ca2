"""Follows jobs to their end: bars of pages and chunks in a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Protocol

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from serve_app.cli.common import plural, say
from serve_app.client import Client
from serve_app.schemas.core import Job, Task

LOOK_SECONDS = 0.5
LINE_EVERY_SECONDS = 5.0
BARS = 12  # more papers than that share one bar per job
NAME_WIDTH = 40


class View(Protocol):
    """Something that shows jobs as they go on."""

    def __enter__(self) -> View: ...
    def __exit__(self, *_: object) -> None: ...
    def show(self, job: Job) -> None: ...


def follow(client: Client, job_ids: Sequence[str]) -> list[Job]:
    """The jobs when all have ended; they are shown as they go on, and what became of each paper."""
    ended: dict[str, Job] = {}
    with _view() as view:
        while open_jobs := [name for name in job_ids if name not in ended]:
            for name in open_jobs:
                job = client.job(name, wait_seconds=LOOK_SECONDS / len(open_jobs))
                view.show(job)
                if job.is_final:
                    ended[name] = job
    jobs = [ended[name] for name in job_ids]
    for job in jobs:
        say_outcome(job)
    return jobs


def say_outcome(job: Job) -> None:
    """A line for each paper of the job (the first 100), and one for all when there are several."""
    for task in job.tasks:
        say(task_line(task))
    if job.counts.total > 1:
        counts = job.counts
        parts = {
            "completed": counts.completed,
            "failed": counts.failed,
            "cancelled": counts.cancelled,
        }
        shown = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
        say(f"{job.job_id}: {job.status}: {shown} of {plural(counts.total, 'paper')}")


def task_line(task: Task) -> str:
    """What became of a paper, or how far it is."""
    if task.error and task.status != "completed":
        return f"{task.filename}: {task.status} ({task.error.code}): {task.error.message}"
    pages = plural(task.pages_total or task.pages_done, "page")
    return f"{task.filename}: {task.status}, {pages}, {plural(task.chunks_done, 'chunk')}"


def _view() -> View:
    return Bars() if sys.stdout.isatty() else Lines()


class Lines:
    """A line every few seconds for a job that takes long; for logs and pipes."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def show(self, job: Job) -> None:
        """Says how far the job is, unless a line was printed a moment ago."""
        if job.is_final or time.monotonic() - self._last < LINE_EVERY_SECONDS:
            return
        self._last = time.monotonic()
        say(f"{job.job_id}: {job.status}, {_done(job)}")


class Bars:
    """A bar for each paper, or for each job when there are many papers."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[done]}", markup=False),
            TimeElapsedColumn(),
            transient=True,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, job: Job) -> None:
        """Moves the bars of the job."""
        if job.counts.total > BARS:
            self._show_job(job)
        else:
            for task in job.tasks:
                self._show_task(task)

    def _show_job(self, job: Job) -> None:
        self._move(job.job_id, job.job_id, job.progress.fraction * 100, 100, _done(job))

    def _show_task(self, task: Task) -> None:
        final = task.status.is_final
        total = task.pages_total or (1 if final else None)
        pages = total if final and total else task.pages_done
        read = f"{_of(task.pages_done, task.pages_total)} pages"
        done = f"{task.status}, {read}, {plural(task.chunks_done, 'chunk')}"
        self._move(str(task.task_id), task.filename, pages, total, done)

    def _move(self, key: str, name: str, completed: float, total: float | None, done: str) -> None:
        if key not in self._bars:
            short = Text(name)
            short.truncate(NAME_WIDTH, overflow="ellipsis")
            self._bars[key] = self._progress.add_task(short.plain, total=total, done=done)
        self._progress.update(self._bars[key], completed=completed, total=total, done=done)


def _done(job: Job) -> str:
    counts, progress = job.counts, job.progress
    ended = counts.completed + counts.failed + counts.cancelled
    return (
        f"{ended} of {plural(counts.total, 'paper')}, {plural(progress.pages_done, 'page')}, "
        f"{plural(progress.chunks_done, 'chunk')}"
    )


def _of(done: int, total: int | None) -> str:
    return f"{done}/{total}" if total else str(done)
