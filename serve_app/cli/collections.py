"""`paperworks collections`: list, export and delete collections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serve_app.cli.common import Home, Url, library, plural, print_line
from serve_app.cli.exports import Output, write_output

collections_app = typer.Typer(
    invoke_without_command=True, help="List, export and delete collections."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A collection.")]
Format = Annotated[str, typer.Option("--format", "-f", help="bibtex.")]


@collections_app.callback()
def list_collections(context: typer.Context, url: Url = None, home: Home = None) -> None:
    """List collections; `collections export NAME` writes a bibliography."""
    context.obj = (url, home)
    if context.invoked_subcommand:
        return
    with library(url, home) as client:
        collections = client.collections()
    for collection in collections:
        print_line(f"{collection.name}  {plural(collection.documents, 'paper')}")
    if not collections:
        print_line("No collections. `paperworks upload FILE.pdf` creates the first.")


@collections_app.command()
def export(
    context: typer.Context,
    name: Name,
    format: Format = "bibtex",
    output: Output = None,
    url: Url = None,
    home: Home = None,
) -> None:
    """Write the bibliography of a collection, for LaTeX and reference managers."""
    with _library(context, url, home) as client:
        write_output(client.export_collection(name, format), output)


@collections_app.command()
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """Delete a collection and every paper in it."""
    if not yes:
        typer.confirm(f"Delete collection {name} and every paper in it?", abort=True, err=True)
    with _library(context, url, home) as client:
        client.delete_collection(name)
    print_line(f"{name}: deleted")


def _library(context: typer.Context, url: str | None, home: Path | None):
    """Returns a client for the options of the subcommand, else for those of `collections`."""
    group: tuple[str | None, Path | None] = context.obj or (None, None)
    return library(url or group[0], home or group[1])
