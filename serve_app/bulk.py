"""Registers a folder of PDFs with a running service and follows them.

    ray job submit --address http://127.0.0.1:8265 --working-dir . -- \\
        python -m serve_app.bulk FOLDER --collection C

The job belongs to the service: when this program is stopped the work goes on, and a second run on
the same folder does only what is new. The folder must be readable where this program runs.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import ray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from configs.settings import Settings
from domain.errors import PaperworksError
from domain.jobs import Job, Lane, TaskStatus
from domain.names import JOB_MANAGER, NAMESPACE
from runtime.service_info import read_service_info
from serve_app.uploads.folders import pdfs_under, register_files
from stores.blobs.blob_store import BlobStore
from stores.consistency.reconcile import stores_do_not_match
from stores.credentials import with_password
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore

POLL_SECONDS = 0.5
LINE_EVERY_SECONDS = 5.0
SHOWN_FAILURES = 20
FULL = "the collection is full; the others wait until papers of it are done"


class NoService(Exception):
    """There is no Paperworks service on that Ray cluster; start one with `paperworks up`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 when every paper is searchable, 1 when some are not, 2 for nothing done."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        return run(options.folder, options.collection, options.address, wait=not options.no_wait)
    except (PaperworksError, NoService, ConnectionError) as error:
        sys.stderr.write(f"{error or NoService.__doc__}\n")
        return 2


def run(folder: Path, collection: str, address: str, *, wait: bool = True) -> int:
    """As `main`. Raises NoService, StoresDoNotMatch, RefusedUpload when the folder holds no PDF,
    ConnectionError."""
    manager = _find_service(address)
    facts = cast(dict[str, Any], ray.get(manager.describe.remote()))
    if problems := facts["store_problems"]:
        raise stores_do_not_match(problems)
    return asyncio.run(_register_and_follow(folder, collection, facts, manager, wait))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serve_app.bulk", description=__doc__)
    parser.add_argument("folder", type=Path, help="searched for *.pdf, subfolders too")
    parser.add_argument("--collection", default="default", help="where the papers go")
    parser.add_argument("--address", default=noted_address(), help="address of the Ray cluster")
    parser.add_argument("--no-wait", action="store_true", help="register only")
    return parser


def noted_address() -> str:
    """The cluster of the service whose home PAPERWORKS_HOME names, else what Ray finds.

    A submitted job inherits that variable. Its RAY_ADDRESS names any one of several clusters that
    were started on the same machine, so another library could get the papers.
    """
    return read_service_info(Settings().home).get("ray_address", "auto")


def _find_service(address: str) -> Any:
    if not ray.is_initialized():
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False)
    try:
        return ray.get_actor(JOB_MANAGER, namespace=NAMESPACE)
    except ValueError as error:
        raise NoService(NoService.__doc__) from error


async def _register_and_follow(
    folder: Path, collection: str, facts: dict[str, Any], manager: Any, wait: bool
) -> int:
    settings = Settings()
    database = Database(with_password(facts["database_url"], "DATABASE_URL"), pool_size=2)
    limits = settings.jobs
    jobs = JobStore(database, max_attempts=limits.max_attempts, queue_limit=limits.queue_limit)
    screen = Screen()
    try:
        paths = pdfs_under(folder)
        job_id = await register_files(
            paths,
            collection=collection,
            lane=Lane.BULK,
            blobs=BlobStore(with_password(facts["blob_uri"], "BLOB_URI")),
            jobs=jobs,
            limit_bytes=settings.http.upload_limit_bytes,
            on_registered=lambda count: _registered(screen, count, len(paths), manager),
            on_waiting=lambda count: screen.show("registering", count, len(paths), FULL),
        )
        screen.say(f"{job_id}: {len(paths)} PDFs of {folder} go to {collection!r}.")
        return await _follow(jobs, job_id, screen) if wait else 0
    finally:
        await database.close()


def _registered(screen: Screen, count: int, total: int, manager: Any) -> None:
    manager.wake.remote()
    screen.show("registering", count, total, "")


async def _follow(jobs: JobStore, job_id: str, screen: Screen) -> int:
    with screen:
        while not (job := await jobs.job(job_id)).status.is_final:
            _show(screen, job)
            await asyncio.sleep(POLL_SECONDS)
        _show(screen, job, last=True)
    counts = job.counts
    screen.say(f"{job_id} {job.status}: {counts.completed} searchable, {counts.failed} failed.")
    if counts.failed:
        await _list_failures(jobs, job_id, screen.say)
    return 0 if counts.completed == counts.total else 1


def _show(screen: Screen, job: Job, last: bool = False) -> None:
    ended = job.counts.completed + job.counts.failed + job.counts.cancelled
    detail = f"{job.pages_done} pages, {job.chunks_done} chunks"
    screen.show("papers", ended, job.counts.total, detail, last=last)


async def _list_failures(jobs: JobStore, job_id: str, say: Callable[[str], None]) -> None:
    failed = [task for task in await jobs.tasks(job_id, 10_000) if task.status == TaskStatus.FAILED]
    for task in failed[:SHOWN_FAILURES]:
        reason = f"{task.error.code}: {task.error.message}" if task.error else "no reason recorded"
        say(f"  {task.filename}: {reason}")
    if len(failed) > SHOWN_FAILURES:
        say(f"  … and {len(failed) - SHOWN_FAILURES} more.")


class Screen:
    """A progress bar on a terminal; a line every few seconds anywhere else, as in a job's log."""

    def __init__(self) -> None:
        self.console = Console()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        detail = (TextColumn("{task.fields[detail]}"), TimeElapsedColumn())
        self.bar = Progress(*columns, *detail, console=self.console)
        self.line = self.bar.add_task("papers", detail="", total=None)
        self.next_line_at = 0.0

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.bar.stop()

    def say(self, sentence: str) -> None:
        """A line of its own."""
        self.console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def show(self, name: str, done: int, total: int, detail: str, last: bool = False) -> None:
        """How far it is."""
        self.bar.update(self.line, description=name, completed=done, total=total, detail=detail)
        if not self.console.is_terminal and (last or time.monotonic() >= self.next_line_at):
            self.next_line_at = time.monotonic() + LINE_EVERY_SECONDS
            self.say(f"{name}: {done} of {total}{', ' if detail else ''}{detail}")


if __name__ == "__main__":
    sys.exit(main())
