"""`paperworks search`: prints passages with their paper, page and text."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from domain.section_topics import SectionTopic
from serve_app.cli.common import (
    AsJson,
    OnlyCollection,
    library_command,
    printable,
    show,
)

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.core import Hit, HitExplanation, SearchResult

QueryText = Annotated[
    str,
    typer.Argument(
        help='Keywords or a question; "words in quotes" must occur, -word must not. '
        "A DOI, a title or an author's name finds that paper.",
    ),
]
Mode = Annotated[str, typer.Option(help="hybrid, dense (semantic) or sparse (keywords).")]
Limit = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=200, help="Maximum number of hits.")
]
ByDocument = Annotated[
    bool, typer.Option("--by-document", help="Only the best passage of each paper.")
]
Documents = Annotated[list[str] | None, typer.Option("--document", help="Only this document.")]

Author = Annotated[str | None, typer.Option(help="Only papers of this author.")]
YearFirst = Annotated[int | None, typer.Option("--from", help="Only papers from this year on.")]
YearLast = Annotated[int | None, typer.Option("--to", help="Only papers up to this year.")]
Section = Annotated[
    list[SectionTopic] | None,
    typer.Option("--section", help="Only sections about this, such as methods; repeatable."),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Only papers with this tag.")]
Cursor = Annotated[str | None, typer.Option(help="Shows the page after this `next_cursor`.")]
Rerank = Annotated[
    bool | None,
    typer.Option(
        "--rerank/--no-rerank",
        help="Order the best hits by the reranker of the service; default: if it has one.",
    ),
]
Explain = Annotated[bool, typer.Option("--explain", help="Show why each hit has its rank.")]

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
    author: Author = None,
    year_first: YearFirst = None,
    year_last: YearLast = None,
    section: Section = None,
    tag: Tags = None,
    cursor: Cursor = None,
    rerank: Rerank = None,
    explain: Explain = False,
    as_json: AsJson = False,
) -> None:
    """Search the library; every hit shows its paper and page.

    Example: paperworks search '"spin echo" -optics' --author hahn --from 1950 --section methods
    """
    filters = {
        "document_ids": document,
        "author": author,
        "year_first": year_first,
        "year_last": year_last,
        "sections": section,
        "tags": tag,
    }
    result = client.search(
        query,
        collection=collection,
        mode=mode,
        limit=limit,
        group_by="document" if by_document else None,
        filters={name: value for name, value in filters.items() if value} or None,
        cursor=cursor,
        explain=explain or None,
        rerank=rerank,
    )
    show(result, as_json, _lines(result))


def _lines(result: SearchResult) -> Iterator[str]:
    yield from (f"{printable(note)}\n" for note in result.notes)
    if result.understood and result.understood.ignored:
        yield f"Not searched as words: {printable(', '.join(result.understood.ignored))}.\n"
    if not result.hits:
        yield "Nothing found. Try other keywords, fewer filters, or another --collection."
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
        if hit.explanation:
            yield f"   {_explanation(hit.explanation)}"
        yield ""
    if result.next_cursor:
        yield f"More hits: --cursor {result.next_cursor}"


def _explanation(explanation: HitExplanation) -> str:
    parts = ", ".join(f"{name} {part:.3f}" for name, part in explanation.parts.items())
    found, missing = " ".join(explanation.terms_found), " ".join(explanation.terms_missing)
    terms = f"terms found: {found or '-'} · missing: {missing or '-'}"
    if explanation.rerank_score is not None:
        terms = f"reranked: {explanation.rerank_score:.3f} · {terms}"
    return f"score: {parts or 'none'} · {terms}"


def score_text(hit: Hit) -> str:
    """Returns what the rank is due to: the name of the paper, the relevance, or the score."""
    if hit.named_by:
        return f"named by the query ({hit.named_by})"
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
