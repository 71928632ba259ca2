"""`paperworks upload`: sends PDFs over HTTP and follows them until they are searchable.

It uses HTTP for folders too, because it works with the URL alone: from another machine, without
access to the Ray cluster, the databases or their passwords. `paperworks bulk` is for a folder on a
node of the cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import AsJson, CollectionOption, library_command, print_line
from serve_app.uploads.pdf_paths import pdfs_in

if TYPE_CHECKING:
    from serve_app.cli.upload_report import UploadReport
    from serve_app.client import Client
    from serve_app.schemas.core import Job

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
    on_duplicate = "reprocess" if reprocess else "return"
    client.upload_files(paths, collection, on_duplicate=on_duplicate, on_part=report.add)
    report.print_totals()
    try:
        if wait:
            report.ended = _followed(client, report)
    finally:
        if as_json:
            print_line(report.to_json())
    raise typer.Exit(1 if report.has_failures else 0)


def _followed(client: Client, report: UploadReport) -> list[Job]:
    from serve_app.cli.progress import follow

    job_ids = report.uploaded.job_ids
    return list(map(client.wait, job_ids)) if report.as_json else follow(client, job_ids)
