"""`paperworks export`: the bibliography of a collection or of single papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from domain.identifiers import DOCUMENT_ID
from serve_app.cli.collections import BibliographyFormat
from serve_app.cli.common import (
    ExportAsJson,
    Output,
    library_command,
    require_json_format,
    write_output,
)

if TYPE_CHECKING:
    from serve_app.client import Client

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        show_default="the collection default",
        help="Collections, and ids of documents.",
    ),
]


@library_command
def export(
    client: Client,
    names: Names = None,
    format: BibliographyFormat = None,
    output: Output = None,
    as_json: ExportAsJson = False,
) -> None:
    """Write the bibliography of collections and papers, for LaTeX and reference managers.

    Example: paperworks export physics --format ris --output physics.ris
    """
    format = format or ("csl" if as_json else "bibtex")
    require_json_format(format, as_json, output)
    text = _bibliography(client, names or ["default"], format)
    write_output(text, output, as_json, format)


def _bibliography(client: Client, names: list[str], format: str) -> str:
    """Returns one bibliography. Raises PaperworksProblem for an unknown paper or collection."""
    papers = [name for name in names if DOCUMENT_ID.fullmatch(name)]
    if papers == names and len(papers) == 1:
        return client.export(papers[0], format)
    for paper in papers:
        client.document(paper)  # the bibliography leaves out what it does not find
    collections = [name for name in names if name not in papers]
    return client.bibliography(papers, collections, format)
