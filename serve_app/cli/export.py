"""`paperworks export`: the bibliography of a collection or of single papers."""

from __future__ import annotations

import json
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
    texts = [_bibliography(client, name, format) for name in names or ["default"]]
    write_output(_joined(texts, format), output, as_json, format)


def _bibliography(client: Client, name: str, format: str) -> str:
    if DOCUMENT_ID.fullmatch(name):
        return client.export(name, format)
    return client.export_collection(name, format)


def _joined(texts: list[str], format: str) -> str:
    """Returns the bibliographies as one; those in CSL are JSON lists."""
    if format != "csl" or len(texts) == 1:
        return "\n".join(texts)
    items = [item for text in texts for item in json.loads(text)]
    return json.dumps(items, ensure_ascii=False, indent=2) + "\n"
