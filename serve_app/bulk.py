"""Registers a folder of PDFs with a running service and follows their processing.

    ray job submit --address http://127.0.0.1:8265 --working-dir . -- \\
        python -m serve_app.bulk FOLDER --collection C

The limits (upload size, queue limit, attempts) are those of the running service. The job belongs to
the service: if this program is stopped, processing continues, and a second run on the same folder
processes only new papers. The folder must be readable on the node where this program runs. A client
without access to the Ray cluster uses `paperworks upload`, which sends the files over HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import ray

from configs.settings import Settings
from domain.errors import PaperworksError
from domain.jobs import Job, Lane, TaskStatus
from domain.names import JOB_MANAGER, NAMESPACE
from runtime.service_info import read_service_info
from serve_app.cli.common import plural, print_line
from serve_app.cli.progress_display import progress_display, progress_text
from serve_app.process.address import home_of
from serve_app.uploads.folders import FolderUploads, pdfs_under
from stores import protocols
from stores.blobs.blob_store import BlobStore
from stores.consistency.reconcile import stores_do_not_match
from stores.credentials import with_password
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore

POLL_SECONDS = 0.5
MAX_LISTED_FAILURES = 20
QUEUE_FULL = "the collection is full; registration continues when its papers are processed"


class NoService(Exception):
    """No Paperworks service runs on this Ray cluster; start one with `paperworks up`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status.

    0: every paper is searchable (or registered, with --no-wait); 1: some are not; 2: nothing was
    registered.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        return run(options.folder, options.collection, options.address, wait=not options.no_wait)
    except (PaperworksError, NoService, ConnectionError) as error:
        sys.stderr.write(f"{error or NoService.__doc__}\n")
        return 2


def run(folder: Path, collection: str, address: str, *, wait: bool = True) -> int:
    """Returns the exit status of `main`.

    Raises NoService, StoresDoNotMatch, ConnectionError, and RefusedUpload if the folder holds no
    acceptable PDF.
    """
    manager = _find_job_manager(address)
    service = cast(dict[str, Any], ray.get(manager.describe.remote()))
    if problems := service["store_problems"]:
        raise stores_do_not_match(problems)
    return asyncio.run(_register_and_follow(folder, collection, service, manager, wait))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serve_app.bulk", description=__doc__)
    parser.add_argument("folder", type=Path, help="searched for *.pdf, including subfolders")
    parser.add_argument("--collection", default="default", help="collection of the papers")
    parser.add_argument("--address", default=default_address(), help="address of the Ray cluster")
    parser.add_argument("--no-wait", action="store_true", help="register only, do not follow")
    return parser


def default_address() -> str:
    """Returns the cluster address in `service.json` of PAPERWORKS_HOME, else `auto`.

    A submitted job inherits PAPERWORKS_HOME. RAY_ADDRESS is not used: with several clusters on one
    machine it may name the cluster of another library.
    """
    return read_service_info(home_of(None, os.environ)).get("ray_address", "auto")


def _find_job_manager(address: str) -> Any:
    if not ray.is_initialized():
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False)
    try:
        return ray.get_actor(JOB_MANAGER, namespace=NAMESPACE)
    except ValueError as error:
        raise NoService(NoService.__doc__) from error


async def _register_and_follow(
    folder: Path, collection: str, service: Mapping[str, Any], manager: Any, wait: bool
) -> int:
    """Returns the exit status; `service` is the description that the JobManager gives."""
    settings = Settings.model_validate_json(service["settings"])
    database = Database(with_password(service["database_url"], "DATABASE_URL"), pool_size=2)
    limits = settings.jobs
    uploads = FolderUploads(
        BlobStore(with_password(service["blob_uri"], "BLOB_URI")),
        JobStore(database, max_attempts=limits.max_attempts, queue_limit=limits.queue_limit),
        settings.http.upload_limit_bytes,
        wake=lambda lane: manager.wake.remote([lane]),
    )
    try:
        job_id = await _register(uploads, folder, collection)
        return await _follow(uploads.jobs, job_id) if wait else 0
    finally:
        await database.close()


async def _register(uploads: FolderUploads, folder: Path, collection: str) -> str:
    paths = pdfs_under(folder)
    total_registered = 0
    with progress_display() as display:

        def show(registered: int, note: str = "") -> None:
            nonlocal total_registered
            total_registered = registered
            text = f"{registered} of {len(paths)} PDFs{note}"
            display.update("registering", "registering", text, registered, len(paths))

        job_id = await uploads.register(
            paths,
            collection,
            Lane.BULK,
            on_registered=show,
            on_waiting=lambda registered: show(registered, f"; {QUEUE_FULL}"),
        )
    counted = f"{total_registered} of {plural(len(paths), 'PDF')} in {folder}"
    print_line(f"{job_id}: registered {counted} in collection {collection!r}.")
    return job_id


async def _follow(jobs: protocols.JobStore, job_id: str) -> int:
    with progress_display() as display:
        while not (job := await jobs.job(job_id)).status.is_final:
            ended = _ended(job)
            text = progress_text(ended, job.counts.total, job.pages_done, job.chunks_done)
            display.update(job_id, job_id, text, ended, job.counts.total)
            await asyncio.sleep(POLL_SECONDS)
    counts = job.counts
    print_line(f"{job_id} {job.status}: {counts.completed} searchable, {counts.failed} failed.")
    if counts.failed:
        await _list_failures(jobs, job_id)
    return 0 if counts.completed == counts.total else 1


def _ended(job: Job) -> int:
    return job.counts.completed + job.counts.failed + job.counts.cancelled


async def _list_failures(jobs: protocols.JobStore, job_id: str) -> None:
    failed = [task for task in await jobs.tasks(job_id, 10_000) if task.status == TaskStatus.FAILED]
    for task in failed[:MAX_LISTED_FAILURES]:
        reason = f"{task.error.code}: {task.error.message}" if task.error else "no reason recorded"
        print_line(f"  {task.filename}: {reason}")
    if len(failed) > MAX_LISTED_FAILURES:
        print_line(f"  and {len(failed) - MAX_LISTED_FAILURES} more.")


if __name__ == "__main__":
    sys.exit(main())
