"""`paperworks export`: the bibliography of a collection or of single papers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from domain.identifiers import DOCUMENT_ID
from serve_app.cli.common import Output, library_command, write_output

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
Format = Annotated[str, typer.Option("--format", "-f", help="bibtex, ris or csl.")]
AsJson = Annotated[bool, typer.Option("--json", help="CSL JSON, as --format csl.")]


@library_command
def export(
    client: Client,
    names: Names = None,
    format: Format = "bibtex",
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Write the bibliography of collections and papers, for LaTeX and reference managers.

    Example: paperworks export physics --format ris --output physics.ris
    """
    format = "csl" if as_json else format
    texts = [_bibliography(client, name, format) for name in names or ["default"]]
    write_output(_joined(texts, format), output)


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
