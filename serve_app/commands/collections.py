"""`paperworks collections`: list collections, and export their bibliographies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serve_app.commands.common import Home, Url, library, plural, say
from serve_app.commands.exports import Output, put_out

collections_app = typer.Typer(
    invoke_without_command=True, help="List collections; export one as a bibliography."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A collection.")]
Form = Annotated[str, typer.Option("--format", "-f", help="bibtex.")]


@collections_app.callback()
def list_collections(context: typer.Context, url: Url = None, home: Home = None) -> None:
    """List collections; `collections export NAME` writes a bibliography."""
    context.obj = (url, home)
    if context.invoked_subcommand:
        return
    with library(url, home) as client:
        found = client.collections()
    for one in found:
        say(f"{one.name}  {plural(one.documents, 'paper')}")
    if not found:
        say("No collections. `paperworks upload FILE.pdf` makes the first.")


@collections_app.command()
def export(
    context: typer.Context,
    name: Name,
    form: Form = "bibtex",
    output: Output = None,
    url: Url = None,
    home: Home = None,
) -> None:
    """Write the bibliography of a collection, for LaTeX and reference managers."""
    before: tuple[str | None, Path | None] = context.obj or (None, None)
    with library(url or before[0], home or before[1]) as client:
        put_out(client.export_collection(name, form), output)
