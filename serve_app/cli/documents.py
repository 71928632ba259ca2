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
    complain,
    library,
    plural,
    printable,
    say,
    say_json,
)
from serve_app.cli.exports import Output, put_out
from serve_app.cli.paper import paper_lines

if TYPE_CHECKING:
    from serve_app.schemas.core import Document


class ShowByDefault(TyperGroup):
    """`documents ID` means `documents show ID`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = args and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if known else ["show", *args])


documents_app = typer.Typer(
    cls=ShowByDefault,
    invoke_without_command=True,
    help="List papers; `documents ID` shows one.",
)

DocumentId = Annotated[str, typer.Argument(metavar="ID", help="A document.")]
DocumentIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Documents.")]
Most = Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="Most papers listed.")]
Form = Annotated[
    str, typer.Option("--format", "-f", help="markdown, json (everything), bibtex or csl.")
]
ToReview = Annotated[
    bool, typer.Option("--needs-review", help="Only papers that could not be read well.")
]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write.", show_default="ID.pdf"),
]


@documents_app.callback()
def list_papers(
    context: typer.Context,
    collection: OnlyCollection = None,
    needs_review: ToReview = False,
    limit: Most = 20,
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
        say_json(page)
        return
    for document in page.items:
        say(document_line(document))
    if not page.items and needs_review:
        say("No papers need a look.")
    elif not page.items:
        say("No papers. `paperworks upload FILE.pdf` brings one in.")
    elif page.next_cursor:
        say(f"There are more than {limit}; --limit shows up to 200.")


@documents_app.command()
def show(
    context: typer.Context,
    document_id: DocumentId,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """Show one paper: who wrote it, what it says, what was found in it."""
    with _library(context, url, home) as client:
        document = client.document(document_id)
        if as_json:
            say_json(document)
            return
        sections = client.sections(document_id) if document.counts.sections else []
    say(document_line(document))
    for line in paper_lines(document, sections):
        say(line)


@documents_app.command()
def export(
    context: typer.Context,
    document_id: DocumentId,
    form: Form = "markdown",
    output: Output = None,
    url: Url = None,
    home: Home = None,
) -> None:
    """Write a paper as Markdown, JSON, BibTeX or CSL-JSON."""
    with _library(context, url, home) as client:
        put_out(client.export(document_id, form), output)


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
        say(str(client.download(document_id, output or Path(f"{Path(document_id).name}.pdf"))))


@documents_app.command()
def delete(
    context: typer.Context, document_ids: DocumentIds, url: Url = None, home: Home = None
) -> None:
    """Delete papers with their passages and their PDFs."""
    from serve_app.client import PaperworksProblem, ServiceUnreachable

    failed = False
    with _library(context, url, home) as client:
        for name in document_ids:
            try:
                client.delete(name)
                say(f"{name}: deleted")
            except ServiceUnreachable:
                raise
            except PaperworksProblem as problem:
                failed = True
                complain(f"{name}: {problem.detail}")
    raise typer.Exit(1 if failed else 0)


def document_line(document: Document) -> str:
    """A paper on one line."""
    pages = plural(document.pages, "page") if document.pages else "pages unknown"
    return (
        f"{document.document_id}  {document.status:<10}  {document.collection}  {pages}  "
        f"{printable(document.title or document.filename)}"
    )


def _library(context: typer.Context, url: str | None, home: Path | None):
    """The library at the options of the command, or else at those before it."""
    before = context.obj or (None, None)
    return library(url or before[0], home or before[1])
