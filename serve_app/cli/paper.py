"""Formats a paper for the terminal: metadata, counts, abstract, sections and quality."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from serve_app.cli.common import plural, printable

if TYPE_CHECKING:
    from serve_app.schemas.core import Document
    from serve_app.schemas.papers import Section

WIDTH = 100
MAX_LISTED_PAGES = 20


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
        "doi ": document.doi,
        "arXiv ": document.arxiv_id,
        "language ": document.language,
    }
    known = [f"{name}{value}" for name, value in fields.items() if value]
    if known:
        yield f"  {printable(', '.join(known))}"
    if document.keywords:
        yield from _wrapped(f"Keywords: {', '.join(document.keywords)}")


def _counts(document: Document) -> str:
    counts = document.counts
    count_by_noun = {
        "chunk": counts.chunks,
        "section": counts.sections,
        "table": counts.tables,
        "figure": counts.figures,
        "reference": counts.references,
    }
    return ", ".join(
        f"{noun}s not extracted yet" if count is None else plural(count, noun)
        for noun, count in count_by_noun.items()
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
    for name, label in (("pages_ocred", "OCR"), ("layout_pages", "layout model")):
        pages = quality.get(name) or ()
        if pages:
            shown = ", ".join(map(str, pages[:MAX_LISTED_PAGES]))
            yield f"  {label}: page {shown}{', …' if len(pages) > MAX_LISTED_PAGES else ''}"


def _wrapped(text: str) -> list[str]:
    indent = "  "
    return textwrap.wrap(printable(text), WIDTH, initial_indent=indent, subsequent_indent=indent)
