"""Registers a folder of PDFs with a running service and follows their processing.

    ray job submit --address http://127.0.0.1:8265 --working-dir . -- \\
        python -m serve_app.bulk FOLDER --collection C

The limits (upload size, queue limit, attempts) are those of the running service. The job belongs to
the service: if this program is stopped, processing continues, and a second run on the same folder
processes only new papers. The folder must be readable on the node where this program runs. A client
without access to the Ray cluster uses `paperworks upload`, which sends the files over HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import ray
import typer

from configs.settings import Settings
from domain.errors import PaperworksError, RefusedUpload
from domain.jobs import TaskStatus
from domain.labels import upload_label
from domain.names import JOB_MANAGER, NAMESPACE
from domain.wording import outcome_of_files, plural
from serve_app.api.serializers import to_job_summary_schema, to_task_schema
from serve_app.cli.bulk_job import bulk
from serve_app.cli.bulk_result import BulkResult
from serve_app.cli.common import print_line
from serve_app.cli.progress import ProgressDisplay, show_job, task_line
from serve_app.schemas.core import JobSummary, RefusedFile
from serve_app.uploads.pdf_paths import PdfPath, pdfs_in
from stores import protocols
from stores.blobs.blob_store import BlobStore
from stores.consistency.reconcile import stores_do_not_match
from stores.credentials import with_password
from stores.folders.folder_upload import FolderFile, FolderUpload
from stores.postgres.collection_store import CollectionStore
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore

POLL_SECONDS = 0.5
MAX_LISTED_FAILURES = 20
QUEUE_FULL = "the collection is full; registration continues when its papers are processed"


class NoService(Exception):
    """No Paperworks service runs on this Ray cluster; start one with `paperworks up`."""


def main(folder: Path, collection: str, address: str, *, wait: bool) -> BulkResult:
    """Returns the result for the PDFs of the folder, with their job if it has waited for it.

    Raises typer.Exit with status 2 if the folder has no PDF, with 1 if the service cannot be used
    or accepts none of the files.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    paths = pdfs_in([folder])
    if not paths:
        sys.stderr.write(f"No PDF was found in {folder}. Nothing was registered.\n")
        raise typer.Exit(2)
    try:
        manager = _find_job_manager(address)
        service = cast(dict[str, Any], ray.get(manager.describe.remote()))
        if problems := service["store_problems"]:
            raise stores_do_not_match(problems)
        return asyncio.run(_register_and_follow(paths, collection, service, manager, wait))
    except (PaperworksError, NoService, ConnectionError) as error:
        sys.stderr.write(f"{error or NoService.__doc__}\n")
        raise typer.Exit(1) from error


def _find_job_manager(address: str) -> Any:
    if not ray.is_initialized():
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False)
    try:
        return ray.get_actor(JOB_MANAGER, namespace=NAMESPACE)
    except ValueError as error:
        raise NoService(NoService.__doc__) from error


async def _register_and_follow(
    paths: Sequence[PdfPath], collection: str, service: Mapping[str, Any], manager: Any, wait: bool
) -> BulkResult:
    """Returns the result; `service` is the description that the JobManager gives."""
    settings = Settings.model_validate_json(service["settings"])
    database = Database(with_password(service["database_url"], "DATABASE_URL"), pool_size=2)
    limits = settings.jobs
    jobs = JobStore(database, max_attempts=limits.max_attempts, queue_limit=limits.queue_limit)
    refused: list[RefusedFile] = []
    try:
        names = await CollectionStore(database).names()
        upload = FolderUpload(
            BlobStore(with_password(service["blob_uri"], "BLOB_URI")),
            jobs,
            settings.http.upload_limit_bytes,
            wake=lambda lane: manager.wake.remote([lane]),
            collection=names.id_of(collection),
            on_refused=lambda file, error: refused.append(_refused_file(file, error)),
        )
        await _register(upload, paths, collection)
        ended = [await _follow(jobs, upload.job_id)] if wait else []
    finally:
        await database.close()
    return BulkResult(
        collection=collection,
        job_ids=[upload.job_id],
        new=upload.registered - upload.known,
        known=upload.known,
        refused_files=upload.refused,
        refused=refused,
        jobs=ended,
    )


def _refused_file(file: FolderFile, error: RefusedUpload) -> RefusedFile:
    return RefusedFile(filename=upload_label(file.name), code=error.code, detail=error.message)


async def _register(upload: FolderUpload, paths: Sequence[PdfPath], collection: str) -> None:
    with ProgressDisplay() as display:

        def show(registered: int, note: str = "") -> None:
            text = f"{registered} of {len(paths)} PDFs{note}"
            display.show("registering", "registering", text, registered, len(paths))

        upload.on_registered = show
        upload.on_waiting = lambda registered: show(registered, f"; {QUEUE_FULL}")
        await upload.register(paths)
    new = upload.registered - upload.known
    outcome = outcome_of_files(new, upload.known, upload.refused)
    found = f"{plural(len(paths), 'PDF')} for collection {collection!r}"
    print_line(f"{upload.job_id}: {found}: {outcome}.")


async def _follow(jobs: protocols.JobStore, job_id: str) -> JobSummary:
    """Returns the job when it has ended; shows its progress, then prints its result."""
    with ProgressDisplay() as display:
        while not (job := await jobs.job(job_id)).status.is_final:
            show_job(display, to_job_summary_schema(job))
            await asyncio.sleep(POLL_SECONDS)
    counts = job.counts
    print_line(f"{job_id} {job.status}: {counts.completed} searchable, {counts.failed} failed.")
    if counts.failed:
        await _list_failures(jobs, job_id)
    return to_job_summary_schema(job)


async def _list_failures(jobs: protocols.JobStore, job_id: str) -> None:
    failed = [task for task in await jobs.tasks(job_id, 10_000) if task.status == TaskStatus.FAILED]
    for task in failed[:MAX_LISTED_FAILURES]:
        print_line(f"  {task_line(to_task_schema(task))}")
    if len(failed) > MAX_LISTED_FAILURES:
        print_line(f"  and {len(failed) - MAX_LISTED_FAILURES} more.")


if __name__ == "__main__":
    typer.run(bulk)
