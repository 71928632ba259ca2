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

from domain.errors import RefusedUpload
from serve_app.cli.common import AsJson, CollectionOption, library_command, print_line
from serve_app.uploads.pdf_paths import PdfPath, pdfs_in, size_of

if TYPE_CHECKING:
    from serve_app.cli.upload_report import UploadReport
    from serve_app.client import Client
    from serve_app.schemas.core import Job

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
    as_json: AsJson = False,
) -> None:
    """Upload PDFs and follow them until they are searchable.

    Sends the files over HTTP, so that only the URL of the service is needed. For a large folder on
    a node of the cluster use `paperworks bulk`. Exit code 1: a file was refused or failed.

    Example: paperworks upload paper.pdf ~/papers --collection physics
    """
    from serve_app.cli.upload_report import UploadReport

    paths = pdfs_in(files)
    if not paths:
        raise typer.BadParameter("No PDF found.", param_hint="FILES")
    report = UploadReport(collection, as_json)
    for batch in batches(paths, report):
        send_batch(client, batch, "reprocess" if reprocess else "return", report)
    report.print_totals()
    if wait and report.jobs:
        report.ended = _followed(client, report)
    if as_json:
        print_line(report.to_json())
    raise typer.Exit(1 if report.has_failures else 0)


def _followed(client: Client, report: UploadReport) -> list[Job]:
    from serve_app.cli.progress import follow

    return list(map(client.wait, report.jobs)) if report.as_json else follow(client, report.jobs)


def send_batch(
    client: Client, batch: list[PdfPath], on_duplicate: str, report: UploadReport
) -> frozenset[str]:
    """Uploads a batch and reports each file; returns the ids of the documents.

    Raises PaperworksProblem.
    """
    from serve_app.client import PaperworksProblem
    from serve_app.client.requests import PdfFile

    files = [PdfFile.of(pdf.path, pdf.name) for pdf in batch]
    try:
        response = client.upload_many(files, report.collection, on_duplicate=on_duplicate)
    except PaperworksProblem as problem:
        if problem.problem is None or not problem.problem.refused:
            raise
        report.refuse(problem.problem.refused)
        return frozenset()
    report.add(response)
    return frozenset(file.document_id for file in response.accepted)


def batches(paths: Iterable[PdfPath], report: UploadReport) -> Iterator[list[PdfPath]]:
    """Yields batches small enough that a lost connection costs little; reports unreadable files."""
    batch, size = list[PdfPath](), 0
    for pdf in paths:
        try:
            file_bytes = size_of(pdf)
        except RefusedUpload as error:
            report.refuse_path(pdf, error)
            continue
        if batch and (len(batch) == MAX_REQUEST_FILES or size + file_bytes > MAX_REQUEST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(pdf)
        size += file_bytes
    if batch:
        yield batch
