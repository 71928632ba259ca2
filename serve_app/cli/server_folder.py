"""`paperworks bulk --server-folder`: the server registers a folder that it can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.wording import outcome_of_files
from serve_app.cli.common import print_line, printable
from serve_app.cli.progress import follow

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.core import FolderRegistration


def register_folder(client: Client, folder: str, collection: str, *, wait: bool) -> int:
    """Returns the exit status: 0 if every file is searchable (or without `wait`), else 1."""
    accepted = client.upload_folder(folder, collection)
    print_line(f"{accepted.job_id}: {accepted.message}")
    if not wait:
        return 0
    (job,) = follow(client, [accepted.job_id])
    if job.folder is None:
        return 0 if job.status == "completed" else 1
    for line in folder_lines(job.folder):
        print_line(line)
    return 1 if job.status != "completed" or job.folder.refused_files else 0


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
