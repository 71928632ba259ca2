"""`paperworks search`: passages with their paper, page and text."""

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
    printable,
    say,
    say_json,
)

if TYPE_CHECKING:
    from serve_app.schemas.core import Hit

QueryText = Annotated[str, typer.Argument(help="Words or a question.")]
Mode = Annotated[str, typer.Option(help="hybrid, dense (meaning) or sparse (words).")]
Most = Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="Most hits.")]
Grouped = Annotated[
    bool, typer.Option("--by-document", help="Each paper once, with its best passage.")
]
Documents = Annotated[list[str] | None, typer.Option("--document", help="Only in this document.")]

MARK, UNMARK = "\x1b[1;33m", "\x1b[0m"
WIDTH = 100


def search(
    query: QueryText,
    collection: OnlyCollection = None,
    mode: Mode = "hybrid",
    limit: Most = 5,
    by_document: Grouped = False,
    document: Documents = None,
    as_json: AsJson = False,
    url: Url = None,
    home: Home = None,
) -> None:
    """Search the library; every hit names its paper and its page."""
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
        say_json(result)
        return
    if not result.hits:
        say("Nothing found. Try other words, --mode dense, or another --collection.")
    for place, hit in enumerate(result.hits, 1):
        _say_hit(place, hit)


def _say_hit(place: int, hit: Hit) -> None:
    section = f", {printable(hit.section)}" if hit.section else ""
    title = printable(hit.title or hit.filename)
    say(f"{place}. {title} · {_pages(hit)}{section} · {hit.score:.3f}")
    for line in _passage(hit, in_colour=sys.stdout.isatty()):
        say(f"   {line}")
    say(f"   {hit.filename} · {hit.document_id}")
    say()


def _pages(hit: Hit) -> str:
    if hit.page_first == hit.page_last:
        return f"page {hit.page_first}"
    return f"pages {hit.page_first}-{hit.page_last}"


def _passage(hit: Hit, *, in_colour: bool) -> list[str]:
    """The text in lines; the words of the query in colour."""
    text = printable(hit.text)
    if not in_colour:
        return textwrap.wrap(text, WIDTH)
    # One character stands in for each code, so that wrapping counts it as next to nothing.
    for mark in reversed(hit.highlights):
        marked = text[mark.start : mark.end].replace(" ", "\xa0")
        text = f"{text[: mark.start]}\x01{marked}\x02{text[mark.end :]}"
    return [
        line.replace("\x01", MARK).replace("\x02", UNMARK) for line in textwrap.wrap(text, WIDTH)
    ]
