"""`paperworks documents`: list, show, export, download and delete papers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from serve_app.cli.common import (
    AsJson,
    Home,
    OnlyCollection,
    Url,
    library,
    plural,
    print_error,
    print_json,
    print_line,
    printable,
)
from serve_app.cli.exports import Output, write_output
from serve_app.cli.paper import paper_lines

if TYPE_CHECKING:
    from serve_app.schemas.core import Document


class ShowByDefault(TyperGroup):
    """Makes `documents ID` an alias of `documents show ID`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        is_command = args and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if is_command else ["show", *args])


documents_app = typer.Typer(
    cls=ShowByDefault,
    invoke_without_command=True,
    help="List papers; `documents ID` shows one.",
)

DocumentId = Annotated[str, typer.Argument(metavar="ID", help="Document id.")]
DocumentIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Document ids.")]
Limit = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=200, help="Maximum number of papers listed.")
]
Format = Annotated[
    str, typer.Option("--format", "-f", help="markdown, json (everything), bibtex or csl.")
]
NeedsReview = Annotated[
    bool, typer.Option("--needs-review", help="Only papers with extraction problems.")
]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write.", show_default="ID.pdf"),
]


@documents_app.callback()
def list_papers(
    context: typer.Context,
    collection: OnlyCollection = None,
    needs_review: NeedsReview = False,
    limit: Limit = 20,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """List papers, newest first; `documents ID` shows one."""
    context.obj = (url, home)
    if context.invoked_subcommand:
        return
    with library(url, home) as client:
        page = client.documents(
            collection=collection, needs_review=needs_review or None, limit=limit
        )
    if as_json:
        print_json(page)
        return
    for document in page.items:
        print_line(document_line(document))
    if not page.items and needs_review:
        print_line("No papers need review.")
    elif not page.items:
        print_line("No papers. `paperworks upload FILE.pdf` adds one.")
    elif page.next_cursor:
        print_line(f"There are more than {limit}; --limit shows up to 200.")


@documents_app.command()
def show(
    context: typer.Context,
    document_id: DocumentId,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """Show one paper: metadata, counts, abstract, sections and extraction quality."""
    with _library(context, url, home) as client:
        document = client.document(document_id)
        if as_json:
            print_json(document)
            return
        sections = client.sections(document_id) if document.counts.sections else []
    print_line(document_line(document))
    for line in paper_lines(document, sections):
        print_line(line)


@documents_app.command()
def export(
    context: typer.Context,
    document_id: DocumentId,
    format: Format = "markdown",
    output: Output = None,
    url: Url = None,
    home: Home = None,
) -> None:
    """Write a paper as Markdown, JSON, BibTeX or CSL-JSON."""
    with _library(context, url, home) as client:
        write_output(client.export(document_id, format), output)


@documents_app.command()
def download(
    context: typer.Context,
    document_id: DocumentId,
    output: Target = None,
    url: Url = None,
    home: Home = None,
) -> None:
    """Write the PDF of a paper to a file."""
    with _library(context, url, home) as client:
        print_line(
            str(client.download(document_id, output or Path(f"{Path(document_id).name}.pdf")))
        )


@documents_app.command()
def delete(
    context: typer.Context, document_ids: DocumentIds, url: Url = None, home: Home = None
) -> None:
    """Delete papers with their passages and PDFs."""
    from serve_app.client import PaperworksProblem, ServiceUnreachable

    failed = False
    with _library(context, url, home) as client:
        for document_id in document_ids:
            try:
                client.delete(document_id)
                print_line(f"{document_id}: deleted")
            except ServiceUnreachable:
                raise
            except PaperworksProblem as problem:
                failed = True
                print_error(f"{document_id}: {problem.detail}")
    raise typer.Exit(1 if failed else 0)


def document_line(document: Document) -> str:
    """Returns a paper on one line."""
    pages = plural(document.pages, "page") if document.pages else "pages unknown"
    return (
        f"{document.document_id}  {document.status:<10}  {document.collection}  {pages}  "
        f"{printable(document.title or document.filename)}"
    )


def _library(context: typer.Context, url: str | None, home: Path | None):
    """Returns a client for the options of the subcommand, else for those of `documents`."""
    group = context.obj or (None, None)
    return library(url or group[0], home or group[1])
