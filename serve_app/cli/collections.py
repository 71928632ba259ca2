"""`paperworks collections`: list, export and delete collections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serve_app.cli.common import Home, Url, library, plural, say
from serve_app.cli.exports import Output, put_out

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
    with _library(context, url, home) as client:
        put_out(client.export_collection(name, form), output)


@collections_app.command()
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """Delete a collection and every paper in it."""
    if not yes:
        typer.confirm(f"Delete collection {name} and every paper in it?", abort=True, err=True)
    with _library(context, url, home) as client:
        client.delete_collection(name)
    say(f"{name}: deleted")


def _library(context: typer.Context, url: str | None, home: Path | None):
    """The library at the options of the command, or else at those before it."""
    before: tuple[str | None, Path | None] = context.obj or (None, None)
    return library(url or before[0], home or before[1])
