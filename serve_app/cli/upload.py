"""`paperworks upload`: sends PDFs, and follows them until they can be searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import CollectionOption, Home, Url, complain, library, plural, say

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.core import RefusedFile

FILES_PER_REQUEST, BYTES_PER_REQUEST = 50, 64 * 1024 * 1024

Files = Annotated[
    list[Path], typer.Argument(exists=True, readable=True, help="PDFs, or folders of them.")
]
Wait = Annotated[bool, typer.Option(help="Follow the papers until they can be searched.")]
Reprocess = Annotated[bool, typer.Option("--reprocess", help="Read again what is there already.")]


def upload(
    files: Files,
    collection: CollectionOption = "default",
    wait: Wait = True,
    reprocess: Reprocess = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """Upload PDFs and follow them until they can be searched."""
    paths = list(_pdfs(files))
    if not paths:
        raise typer.BadParameter("There is no PDF in what you named.", param_hint="FILES")
    policy = "reprocess" if reprocess else "return"
    with library(url, home) as client:
        jobs, refused = _send_all(client, paths, collection, policy)
        failed = bool(refused)
        if wait and jobs:
            from serve_app.cli.progress import follow

            failed |= any(job.status != "completed" for job in follow(client, jobs))
    raise typer.Exit(1 if failed else 0)


def _send_all(
    client: Client, paths: list[Path], collection: str, policy: str
) -> tuple[list[str], list[RefusedFile]]:
    """The jobs that were made and the files that were refused, each said in a line."""
    jobs, refused = list[str](), list["RefusedFile"]()
    for batch in _batches(paths):
        job_id, some = _send(client, batch, collection, policy)
        jobs += [job_id] if job_id else []
        for one in some:
            complain(f"{one.filename}: refused ({one.code}): {one.detail}")
        refused += some
    return jobs, refused


def _send(
    client: Client, batch: list[Path], collection: str, policy: str
) -> tuple[str | None, list[RefusedFile]]:
    """The job of a batch, None when every file was refused. Raises PaperworksProblem otherwise."""
    from serve_app.client import PaperworksProblem

    try:
        answer = client.upload_many(batch, collection, on_duplicate=policy)
    except PaperworksProblem as problem:
        if problem.problem is None or not problem.problem.refused:
            raise
        return None, problem.problem.refused
    for file in answer.accepted:
        known = ", known already" if file.duplicate_of else ""
        say(f"{file.filename}: accepted as {file.document_id}{known}")
    say(f"{answer.job_id}: {plural(len(answer.accepted), 'paper')} in collection {collection}")
    return answer.job_id, answer.refused


def _pdfs(files: Iterable[Path]) -> Iterator[Path]:
    """The files as named, and the PDFs in and below the folders."""
    for path in files:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() == ".pdf")
        else:
            yield path


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """The files in requests of a size that a lost connection does not make costly."""
    batch, size = list[Path](), 0
    for path in paths:
        bytes_ = path.stat().st_size
        if batch and (len(batch) == FILES_PER_REQUEST or size + bytes_ > BYTES_PER_REQUEST):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += bytes_
    if batch:
        yield batch
