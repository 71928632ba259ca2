"""`paperworks bulk --server-folder`: the server registers a folder that it can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.wording import outcome_of_files
from serve_app.cli.bulk_result import BulkResult
from serve_app.cli.common import print_line, printable
from serve_app.cli.progress import follow

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.core import FolderRegistration


def register_folder(client: Client, folder: str, collection: str, *, wait: bool) -> BulkResult:
    """Returns the result for the folder; without `wait`, its numbers so far."""
    accepted = client.register_folder(folder, collection)
    print_line(f"{accepted.job_id}: {accepted.message}")
    ended = follow(client, [accepted.job_id]) if wait else []
    [job] = ended or [client.job(accepted.job_id)]
    for line in folder_lines(job.folder) if ended and job.folder else ():
        print_line(line)
    registered = job.folder.registered if job.folder else job.counts.total
    known = job.folder.known if job.folder else 0
    return BulkResult(
        collection=collection,
        job_ids=[job.job_id],
        new=registered - known,
        known=known,
        refused_files=job.folder.refused_files if job.folder else 0,
        refused=job.folder.refused if job.folder else [],
        jobs=list(ended),
    )


def folder_lines(folder: FolderRegistration) -> Iterator[str]:
    """Yields the outcome of a registration: its numbers, refused files, and its error."""
    new = folder.registered - folder.known
    outcome = outcome_of_files(new, folder.known, folder.refused_files)
    state = "" if folder.finished_at else "registering; "
    yield f"{printable(folder.folder)}: {state}{outcome}."
    for one in folder.refused:
        yield f"  {printable(one.filename)} refused ({one.code}): {printable(one.detail)}"
    if omitted := folder.refused_files - len(folder.refused):
        yield f"  and {omitted} more."
    if folder.error:
        yield f"  {folder.error.code}: {printable(folder.error.message)}"
