"""`paperworks documents`: list, show, correct, move, export, download and delete papers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from domain.documents import DocumentOrder
from domain.wording import plural
from serve_app.cli.common import (
    AsJson,
    ExportAsJson,
    OnlyCollection,
    Output,
    library_command,
    printable,
    require_json_format,
    show,
    show_values,
    write_output,
    writing,
)
from serve_app.cli.paper_changes import Change, PaperChanges

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.core import Document, Listed
    from serve_app.schemas.papers import Section

WIDTH = 100
MAX_LISTED_PAGES = 20


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
    str | None,
    typer.Option(
        "--format",
        "-f",
        help="markdown, json (everything), bibtex, ris or csl.",
        show_default="markdown; json with --json",
    ),
]
NewCollection = Annotated[str, typer.Option("--to", help="The collection; created if missing.")]
NeedsReview = Annotated[
    bool, typer.Option("--needs-review", help="Only papers with extraction problems.")
]
Words = Annotated[
    str | None,
    typer.Option("--text", help="Only papers with these words in title, authors or filename."),
]
FirstYear = Annotated[int | None, typer.Option("--from", help="Only papers from this year on.")]
LastYear = Annotated[int | None, typer.Option("--to", help="Only papers up to this year.")]
OfAuthor = Annotated[str | None, typer.Option("--author", help="Only papers of this author.")]
WithTag = Annotated[
    list[str] | None, typer.Option("--tag", help="Only papers with this tag; repeatable.")
]
Order = Annotated[DocumentOrder, typer.Option("--order", help="Order of the papers.")]
SetTags = Annotated[
    list[str] | None,
    typer.Option("--tag", help="A tag; repeat it for each. They replace the former tags."),
]
CorrectTitle = Annotated[str | None, typer.Option("--title", help="The title.")]
CorrectAuthors = Annotated[
    list[str] | None, typer.Option("--author", help="An author; repeat it for each, in order.")
]
CorrectYear = Annotated[int | None, typer.Option("--year", help="The year of publication.")]
CorrectVenue = Annotated[str | None, typer.Option("--venue", help="Journal or proceedings.")]
CorrectDoi = Annotated[str | None, typer.Option("--doi", help="The DOI, such as 10.1234/abc.")]
Restored = Annotated[
    list[str] | None,
    typer.Option(
        "--restore", help="Restore the extracted title, authors, year, venue or doi; or no tags."
    ),
]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write.", show_default="ID.pdf"),
]


@documents_app.callback()
@library_command
def list_papers(
    client: Client,
    collection: OnlyCollection = None,
    needs_review: NeedsReview = False,
    text: Words = None,
    year_first: FirstYear = None,
    year_last: LastYear = None,
    author: OfAuthor = None,
    tag: WithTag = None,
    order: Order = DocumentOrder.NEWEST,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List papers, newest first; `documents ID` shows one."""
    filters = {
        "needs_review": needs_review or None,
        "text": text,
        "year_first": year_first,
        "year_last": year_last,
        "author": author,
        "tags": tag,
    }
    page = client.documents(collection=collection, order=order, limit=limit, **filters)
    show(page, as_json, _list_lines(page, any(filters.values())))


def _list_lines(page: Listed[Document], is_filtered: bool) -> Iterator[str]:
    yield from map(document_line, page.items)
    if not page.items and is_filtered:
        yield "No papers match the filters."
    elif not page.items:
        yield "No papers. `paperworks upload FILE.pdf` adds one."
    elif page.next_cursor:
        yield f"There are more than {len(page.items)}; --limit shows up to 200."


@documents_app.command("show")
@library_command
def show_paper(client: Client, document_id: DocumentId, as_json: AsJson = False) -> None:
    """Show one paper: metadata, counts, abstract, sections and extraction quality.

    Example: paperworks documents show doc_48c85a8ff7d85cc7c494aa3c
    """
    document = client.document(document_id)
    show(document, as_json, _shown_lines(document, client))


def _shown_lines(document: Document, client: Client) -> Iterator[str]:
    yield document_line(document)
    sections = client.sections(document.document_id) if document.counts.sections else []
    yield from paper_lines(document, sections)


@documents_app.command()
@library_command
def correct(
    client: Client,
    document_id: DocumentId,
    title: CorrectTitle = None,
    author: CorrectAuthors = None,
    year: CorrectYear = None,
    venue: CorrectVenue = None,
    doi: CorrectDoi = None,
    tag: SetTags = None,
    restore: Restored = None,
    as_json: AsJson = False,
) -> None:
    """Correct the metadata or the tags of a paper; later readings keep them.

    Example: paperworks documents correct doc_48c85a8ff7d85cc7c494aa3c --year 2025 --tag "to read"
    """
    given = {"title": title, "authors": author, "year": year, "venue": venue, "doi": doi}
    given["tags"] = tag
    corrections = {name: value for name, value in given.items() if value}
    document = client.correct(document_id, **dict.fromkeys(restore or ()), **corrections)
    show(document, as_json, _shown_lines(document, client))


@documents_app.command()
@library_command
def export(
    client: Client,
    document_id: DocumentId,
    format: Format = None,
    output: Output = None,
    as_json: ExportAsJson = False,
) -> None:
    """Write a paper as Markdown, JSON, BibTeX, RIS or CSL-JSON.

    Example: paperworks documents export doc_48c85a8ff7d85cc7c494aa3c --format ris
    """
    format = format or ("json" if as_json else "markdown")
    require_json_format(format, as_json, output)
    write_output(client.export(document_id, format), output, as_json, format)


@documents_app.command()
@library_command
def download(
    client: Client, document_id: DocumentId, output: Target = None, as_json: AsJson = False
) -> None:
    """Write the PDF of a paper to a file.

    Example: paperworks documents download doc_48c85a8ff7d85cc7c494aa3c --output paper.pdf
    """
    target = output or Path(f"{Path(document_id).name}.pdf")
    with writing(target):
        client.download(document_id, target)
        size = target.stat().st_size
    show_values(str(target), as_json, path=target, document_id=document_id, bytes=size)


@documents_app.command()
@library_command
def move(
    client: Client, document_ids: DocumentIds, to: NewCollection, as_json: AsJson = False
) -> None:
    """Move papers to another collection, where they get new ids and are read again.

    Example: paperworks documents move doc_48c85a8ff7d85cc7c494aa3c --to physics
    """

    def move_one(document_id: str) -> Change:
        moved = client.correct(document_id, collection=to)
        name, collection = moved.document_id, moved.collection
        values = {"moved_to": name, "collection": collection}
        return Change(f"moved to {collection} as {name}", values)

    PaperChanges(as_json).apply(document_ids, move_one)


@documents_app.command()
@library_command
def delete(client: Client, document_ids: DocumentIds, as_json: AsJson = False) -> None:
    """Delete papers with their passages and PDFs.

    Example: paperworks documents delete doc_48c85a8ff7d85cc7c494aa3c
    """

    def delete_one(document_id: str) -> Change:
        client.delete(document_id)
        return Change("deleted")

    PaperChanges(as_json).apply(document_ids, delete_one)


def document_line(document: Document) -> str:
    """Returns a paper on one line."""
    pages = plural(document.pages, "page") if document.pages else "pages unknown"
    return (
        f"{document.document_id}  {document.status:<10}  {document.collection}  {pages}  "
        f"{printable(document.title or document.filename)}"
    )


def paper_lines(document: Document, sections: list[Section]) -> Iterator[str]:
    """Yields metadata, counts, abstract, section tree and quality; unknown values are omitted."""
    yield from _metadata(document)
    yield f"  {document.filename}, {document.bytes:,} bytes, sha256 {document.sha256}"
    yield f"  {_counts(document)}, version {document.version}"
    if document.abstract:
        yield "Abstract"
        yield from _wrapped(document.abstract)
    if sections:
        yield "Sections"
        yield from map(_section_line, sections)
    yield from _quality(document)


def _metadata(document: Document) -> Iterator[str]:
    if document.authors:
        yield from _wrapped(", ".join(author.name for author in document.authors))
    fields = {
        "": document.year,
        "in ": document.venue,
        "doi ": document.doi,
        "arXiv ": document.arxiv_id,
        "language ": document.language,
    }
    known = [f"{name}{value}" for name, value in fields.items() if value]
    if known:
        yield f"  {printable(', '.join(known))}"
    if document.keywords:
        yield from _wrapped(f"Keywords: {', '.join(document.keywords)}")
    if document.tags:
        yield from _wrapped(f"Tags: {', '.join(document.tags)}")


def _counts(document: Document) -> str:
    counts = {name.removesuffix("s"): count for name, count in document.counts}
    return ", ".join(
        f"{noun}s not extracted yet" if count is None else plural(count, noun)
        for noun, count in counts.items()
    )


def _section_line(section: Section) -> str:
    title = f"{section.number} {section.title}" if section.number else section.title
    return f"  {'  ' * (section.level - 1)}{printable(title)} · page {section.page}"


def _quality(document: Document) -> Iterator[str]:
    """Yields the extraction quality; nothing before extraction has run."""
    quality = document.quality
    if not quality:
        return
    yield f"Quality: {'needs review' if document.needs_review else 'good'}"
    for reason in quality.get("reasons") or ():
        yield from _wrapped(f"- {reason}")
    for note in quality.get("notes") or ():
        yield from _wrapped(f"  left out: {note}")
    for name, label in (("pages_ocred", "OCR"), ("layout_pages", "layout model")):
        pages = quality.get(name) or ()
        if pages:
            shown = ", ".join(map(str, pages[:MAX_LISTED_PAGES]))
            yield f"  {label}: page {shown}{', …' if len(pages) > MAX_LISTED_PAGES else ''}"


def _wrapped(text: str) -> list[str]:
    indent = "  "
    return textwrap.wrap(printable(text), WIDTH, initial_indent=indent, subsequent_indent=indent)
