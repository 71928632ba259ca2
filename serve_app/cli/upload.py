"""`paperworks upload`: sends PDFs over HTTP and follows them until they are searchable.

It uses HTTP for folders too, because it works with the URL alone: from another machine, without
access to the Ray cluster, the databases or their passwords. `paperworks bulk` is for a folder on a
node of the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import (
    CollectionOption,
    library_command,
    pdfs_under,
    print_error,
    print_line,
)
from serve_app.wording import plural

if TYPE_CHECKING:
    from serve_app.client import Client

MAX_REQUEST_FILES, MAX_REQUEST_BYTES = 50, 64 * 1024 * 1024

Files = Annotated[
    list[Path], typer.Argument(exists=True, readable=True, help="PDFs, or folders with PDFs.")
]
Wait = Annotated[bool, typer.Option(help="Follow the job until the papers are searchable.")]
Reprocess = Annotated[
    bool, typer.Option("--reprocess", help="Process papers again that already exist.")
]


@library_command
def upload(
    client: Client,
    files: Files,
    collection: CollectionOption = "default",
    wait: Wait = True,
    reprocess: Reprocess = False,
) -> None:
    """Upload PDFs and follow them until they are searchable.

    Sends the files over HTTP, so that only the URL of the service is needed. For a large folder on
    a node of the cluster use `paperworks bulk`.
    """
    paths = [pdf for path in files for pdf in (pdfs_under(path) if path.is_dir() else [path])]
    if not paths:
        raise typer.BadParameter("No PDF found.", param_hint="FILES")
    on_duplicate = "reprocess" if reprocess else "return"
    sent = [send_batch(client, batch, collection, on_duplicate) for batch in batches(paths)]
    jobs = [batch.job_id for batch in sent if batch.job_id]
    failed = any(batch.has_refusals for batch in sent)
    if wait and jobs:
        from serve_app.cli.progress import follow

        failed |= any(job.status != "completed" for job in follow(client, jobs))
    raise typer.Exit(1 if failed else 0)


@dataclass(frozen=True, slots=True)
class SentBatch:
    """The job of a batch, None if every file was refused, and the ids of its documents."""

    job_id: str | None
    has_refusals: bool
    document_ids: frozenset[str] = frozenset()


def send_batch(client: Client, batch: list[Path], collection: str, on_duplicate: str) -> SentBatch:
    """Uploads a batch and prints a line for each file. Raises PaperworksProblem."""
    from serve_app.client import PaperworksProblem

    job_id, accepted = None, []
    try:
        response = client.upload_many(batch, collection, on_duplicate=on_duplicate)
        job_id, refused, accepted = response.job_id, response.refused, response.accepted
        for file in accepted:
            duplicate = ", already in the library" if file.duplicate_of else ""
            print_line(f"{file.filename}: accepted as {file.document_id}{duplicate}")
        print_line(f"{job_id}: {plural(len(accepted), 'paper')} in collection {collection}")
    except PaperworksProblem as problem:
        if problem.problem is None or not problem.problem.refused:
            raise
        refused = problem.problem.refused
    for file in refused:
        print_error(f"{file.filename}: refused ({file.code}): {file.detail}")
    return SentBatch(job_id, bool(refused), frozenset(file.document_id for file in accepted))


def batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Yields batches small enough that a lost connection costs little."""
    batch, size = list[Path](), 0
    for path in paths:
        file_bytes = path.stat().st_size
        if batch and (len(batch) == MAX_REQUEST_FILES or size + file_bytes > MAX_REQUEST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += file_bytes
    if batch:
        yield batch
