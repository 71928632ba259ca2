"""`paperworks upload`: sends PDFs over HTTP and follows them until they are searchable.

It uses HTTP for folders too, because it works with the URL alone: from another machine, without
access to the Ray cluster, the databases or their passwords. `paperworks bulk` is for a folder on a
node of the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import (
    CollectionOption,
    Home,
    Url,
    library,
    plural,
    print_error,
    print_line,
)

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.core import RefusedFile

MAX_REQUEST_FILES, MAX_REQUEST_BYTES = 50, 64 * 1024 * 1024

Files = Annotated[
    list[Path], typer.Argument(exists=True, readable=True, help="PDFs, or folders with PDFs.")
]
Wait = Annotated[bool, typer.Option(help="Follow the job until the papers are searchable.")]
Reprocess = Annotated[
    bool, typer.Option("--reprocess", help="Process papers again that already exist.")
]


def upload(
    files: Files,
    collection: CollectionOption = "default",
    wait: Wait = True,
    reprocess: Reprocess = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """Upload PDFs and follow them until they are searchable.

    Sends the files over HTTP, so that only the URL of the service is needed. For a large folder on
    a node of the cluster use `paperworks bulk`.
    """
    paths = list(_find_pdfs(files))
    if not paths:
        raise typer.BadParameter("No PDF found.", param_hint="FILES")
    on_duplicate = "reprocess" if reprocess else "return"
    with library(url, home) as client:
        jobs, refused = _send_all(client, paths, collection, on_duplicate)
        failed = bool(refused)
        if wait and jobs:
            from serve_app.cli.progress import follow

            failed |= any(job.status != "completed" for job in follow(client, jobs))
    raise typer.Exit(1 if failed else 0)


def _send_all(
    client: Client, paths: list[Path], collection: str, on_duplicate: str
) -> tuple[list[str], list[RefusedFile]]:
    """Returns the ids of the new jobs and the refused files; prints a line for each file."""
    jobs, refused = list[str](), list["RefusedFile"]()
    for batch in _batches(paths):
        job_id, refused_files = _send(client, batch, collection, on_duplicate)
        jobs += [job_id] if job_id else []
        for file in refused_files:
            print_error(f"{file.filename}: refused ({file.code}): {file.detail}")
        refused += refused_files
    return jobs, refused


def _send(
    client: Client, batch: list[Path], collection: str, on_duplicate: str
) -> tuple[str | None, list[RefusedFile]]:
    """Returns the job id of a batch, None if every file was refused, and the refused files.

    Raises PaperworksProblem for any other problem.
    """
    from serve_app.client import PaperworksProblem

    try:
        response = client.upload_many(batch, collection, on_duplicate=on_duplicate)
    except PaperworksProblem as problem:
        if problem.problem is None or not problem.problem.refused:
            raise
        return None, problem.problem.refused
    for file in response.accepted:
        duplicate = ", already in the library" if file.duplicate_of else ""
        print_line(f"{file.filename}: accepted as {file.document_id}{duplicate}")
    print_line(
        f"{response.job_id}: {plural(len(response.accepted), 'paper')} in collection {collection}"
    )
    return response.job_id, response.refused


def _find_pdfs(files: Iterable[Path]) -> Iterator[Path]:
    """Yields the named files, and the PDFs in the folders and their subfolders."""
    for path in files:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() == ".pdf")
        else:
            yield path


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
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
