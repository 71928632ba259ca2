"""`paperworks search`: prints passages with their paper, page and text."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import (
    AsJson,
    OnlyCollection,
    library_command,
    printable,
    show,
)

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.core import Hit, SearchResult

QueryText = Annotated[str, typer.Argument(help="Keywords or a question.")]
Mode = Annotated[str, typer.Option(help="hybrid, dense (semantic) or sparse (keywords).")]
Limit = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=200, help="Maximum number of hits.")
]
ByDocument = Annotated[
    bool, typer.Option("--by-document", help="Only the best passage of each paper.")
]
Documents = Annotated[list[str] | None, typer.Option("--document", help="Only this document.")]

HIGHLIGHT_ON, HIGHLIGHT_OFF = "\x1b[1;33m", "\x1b[0m"
WIDTH = 100


@library_command
def search(
    client: Client,
    query: QueryText,
    collection: OnlyCollection = None,
    mode: Mode = "hybrid",
    limit: Limit = 5,
    by_document: ByDocument = False,
    document: Documents = None,
    as_json: AsJson = False,
) -> None:
    """Search the library; every hit shows its paper and page."""
    result = client.search(
        query,
        collection=collection,
        mode=mode,
        limit=limit,
        group_by="document" if by_document else None,
        filters={"document_ids": document} if document else None,
    )
    show(result, as_json, _lines(result))


def _lines(result: SearchResult) -> Iterator[str]:
    if not result.hits:
        yield "Nothing found. Try other keywords, --mode dense, or another --collection."
    elif result.nothing_fits:
        yield "Nothing in the library fits this query well. The nearest passages are:\n"
    for rank, hit in enumerate(result.hits, 1):
        section = f", {printable(hit.section)}" if hit.section else ""
        one, several = f"page {hit.page_first}", f"pages {hit.page_first}-{hit.page_last}"
        pages = one if hit.page_first == hit.page_last else several
        title = printable(hit.title or hit.filename)
        yield f"{rank}. {title} · {pages}{section} · {score_text(hit)}"
        yield from (f"   {line}" for line in _passage(hit, use_color=sys.stdout.isatty()))
        yield f"   {hit.filename} · {hit.document_id}"
        yield ""


def score_text(hit: Hit) -> str:
    """Returns the relevance, or the ranking score if the model is not calibrated."""
    return f"score {hit.score:.3f}" if hit.relevance is None else f"relevance {hit.relevance:.2f}"


def _passage(hit: Hit, *, use_color: bool) -> list[str]:
    """Returns the wrapped text; `use_color` highlights the matches of the query."""
    text = printable(hit.text)
    if not use_color:
        return textwrap.wrap(text, WIDTH)
    # One-character placeholders for the escape codes keep the width for wrapping almost exact.
    for span in reversed(hit.highlights):
        match = text[span.start : span.end].replace(" ", "\xa0")
        text = f"{text[: span.start]}\x01{match}\x02{text[span.end :]}"
    return [
        line.replace("\x01", HIGHLIGHT_ON).replace("\x02", HIGHLIGHT_OFF)
        for line in textwrap.wrap(text, WIDTH)
    ]
