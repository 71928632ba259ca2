"""`paperworks search`: prints passages with their paper, page and text."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import (
    AsJson,
    Home,
    OnlyCollection,
    Url,
    library,
    print_json,
    print_line,
    printable,
)

if TYPE_CHECKING:
    from serve_app.schemas.core import Hit

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


def search(
    query: QueryText,
    collection: OnlyCollection = None,
    mode: Mode = "hybrid",
    limit: Limit = 5,
    by_document: ByDocument = False,
    document: Documents = None,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """Search the library; every hit shows its paper and page."""
    with library(url, home) as client:
        result = client.search(
            query,
            collection=collection,
            mode=mode,
            limit=limit,
            group_by="document" if by_document else None,
            filters={"document_ids": document} if document else None,
        )
    if as_json:
        print_json(result)
        return
    if not result.hits:
        print_line("Nothing found. Try other keywords, --mode dense, or another --collection.")
    for rank, hit in enumerate(result.hits, 1):
        _print_hit(rank, hit)


def _print_hit(rank: int, hit: Hit) -> None:
    section = f", {printable(hit.section)}" if hit.section else ""
    title = printable(hit.title or hit.filename)
    print_line(f"{rank}. {title} · {_pages(hit)}{section} · {hit.score:.3f}")
    for line in _passage(hit, use_color=sys.stdout.isatty()):
        print_line(f"   {line}")
    print_line(f"   {hit.filename} · {hit.document_id}")
    print_line()


def _pages(hit: Hit) -> str:
    if hit.page_first == hit.page_last:
        return f"page {hit.page_first}"
    return f"pages {hit.page_first}-{hit.page_last}"


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
