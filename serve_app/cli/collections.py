"""`paperworks collections`: list, create, limit, export and delete collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.duplicates import Duplicates
from domain.wording import plural
from serve_app.cli.common import (
    AsJson,
    ExportAsJson,
    Output,
    complete_collection,
    library_command,
    lines_on_stderr,
    print_line,
    printable,
    require_json_format,
    show,
    show_values,
    write_output,
)

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.core import Collection

collections_app = typer.Typer(
    invoke_without_command=True, help="List, create, limit, export and delete collections."
)

CollectionName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A collection.", autocompletion=complete_collection),
]
Description = Annotated[str | None, typer.Option(help="What the collection is for.")]
NewName = Annotated[str | None, typer.Option("--name", help="A new name.")]
MaxPapers = Annotated[int | None, typer.Option(min=0, help="Most papers that it may hold.")]
MaxBytes = Annotated[int | None, typer.Option(min=0, help="Most bytes of PDFs that it may hold.")]
DuplicatesOption = Annotated[
    Duplicates | None,
    typer.Option(help="Further files of a work: keep all, only the newest upload, or refuse them."),
]
BibliographyFormat = Annotated[
    str | None,
    typer.Option(
        "--format", "-f", help="bibtex, ris or csl.", show_default="bibtex; csl with --json"
    ),
]


@collections_app.callback()
@library_command
def list_collections(client: Client, as_json: AsJson = False) -> None:
    """List collections; `collections export NAME` writes a bibliography."""
    collections = client.collections()
    if as_json:
        from serve_app.schemas.core import Collections

        return print_line(Collections(items=collections).model_dump_json(indent=2))
    for collection in collections:
        print_line(collection_line(collection))
    if not collections:
        print_line("No collections. `paperworks upload FILE.pdf` creates the first.")


@collections_app.command("create")
@library_command
def create_collection(
    client: Client,
    name: CollectionName,
    description: Description = None,
    max_papers: MaxPapers = None,
    max_bytes: MaxBytes = None,
    duplicates: DuplicatesOption = None,
    as_json: AsJson = False,
) -> None:
    """Create an empty collection, with a quota if you like.

    Example: paperworks collections create physics --max-papers 5000
    """
    settings = _settings(description, max_papers, max_bytes, duplicates)
    created = client.create_collection(name, **settings)
    show(created, as_json, [collection_line(created)])


@collections_app.command("change")
@library_command
def change_collection(
    client: Client,
    name: CollectionName,
    description: Description = None,
    max_papers: MaxPapers = None,
    max_bytes: MaxBytes = None,
    duplicates: DuplicatesOption = None,
    new_name: NewName = None,
    no_quota: Annotated[bool, typer.Option("--no-quota", help="Remove both limits.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change the name, the description, the quota or the rule on duplicates of a collection.

    A renamed collection keeps its papers, keys and webhooks; its first name leads to it, too.

    Example: paperworks collections change physics --name optics
    """
    settings = _settings(description, max_papers, max_bytes, duplicates)
    if new_name is not None:
        settings["name"] = new_name
    removed = {"max_papers": None, "max_bytes": None} if no_quota else {}
    changed = client.change_collection(name, **removed, **settings)
    show(changed, as_json, [collection_line(changed)])


def _settings(
    description: str | None,
    max_papers: int | None,
    max_bytes: int | None,
    duplicates: Duplicates | None,
) -> dict[str, Any]:
    given = {
        "description": description,
        "max_papers": max_papers,
        "max_bytes": max_bytes,
        "duplicates": duplicates,
    }
    return {name: value for name, value in given.items() if value is not None}


def collection_line(collection: Collection) -> str:
    """Returns a collection with its papers and its quota on one line."""
    limits = {"papers": collection.max_papers, "bytes": collection.max_bytes}
    quota = " and ".join(f"{limit:,} {unit}" for unit, limit in limits.items() if limit is not None)
    parts = (
        f"{collection.name}  {plural(collection.documents, 'paper')}",
        f"{collection.bytes:,} bytes",
        f"at most {quota}" if quota else "",
        "" if collection.duplicates == Duplicates.KEEP else f"duplicates: {collection.duplicates}",
        printable(collection.description),
    )
    return ", ".join(filter(None, parts))


@collections_app.command("follow")
@library_command
def follow_collection(client: Client, name: CollectionName, as_json: AsJson = False) -> None:
    """Print the state changes of all jobs of a collection from now on; Ctrl-C ends it.

    Example: paperworks collections follow physics
    """
    for event in client.collection_events(name):
        line = f"{event.at:%H:%M:%S}  {event.job_id}  {event.name}"
        print_line(event.model_dump_json() if as_json else line)


@collections_app.command("export")
@library_command
def export_collection(
    client: Client,
    name: CollectionName,
    format: BibliographyFormat = None,
    output: Output = None,
    as_json: ExportAsJson = False,
) -> None:
    """Write the bibliography of a collection, for LaTeX and reference managers.

    Example: paperworks collections export physics --format ris
    """
    format = format or ("csl" if as_json else "bibtex")
    require_json_format(format, as_json, output)
    write_output(client.export_collection(name, format), output, as_json, format)


@collections_app.command("delete")
@library_command
def delete_collection(
    client: Client,
    name: CollectionName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a collection and every paper in it.

    Example: paperworks collections delete physics --yes
    """
    if not yes:
        with lines_on_stderr(as_json):  # `err` leaves a space on stdout
            typer.confirm(f"Delete collection {name} and every paper in it?", abort=True, err=True)
    client.delete_collection(name)
    show_values(f"{name}: deleted", as_json, collection=name, deleted=True)
