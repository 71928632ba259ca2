"""Exports a paper as a CSL-JSON item, the format of Zotero, Pandoc and citeproc."""

from __future__ import annotations

from typing import Any

from domain.papers import Author, Metadata
from extraction.export.escape import printable
from extraction.export.publication import Publication, publication_of

_TYPES = {
    Publication.PROCEEDINGS: "paper-conference",
    Publication.JOURNAL: "article-journal",
    Publication.PREPRINT: "article",
    Publication.UNKNOWN: "document",
}


def to_csl(metadata: Metadata, document_id: str, *, url: str | None = None) -> dict[str, Any]:
    """Returns the item in CSL-JSON 1.0.2; missing variables are left out.

    `document_id` becomes `id`. The type is "article-journal" with a journal or a DOI,
    "paper-conference" with proceedings, "article" (a preprint) with an arXiv id only, else
    "document". Text is plain: the caller escapes it for HTML.
    Schema: https://github.com/citation-style-language/schema
    """
    item: dict[str, Any] = {"id": document_id, "type": _TYPES[publication_of(metadata)]}
    texts = {
        "title": metadata.title,
        "container-title": metadata.venue,
        "DOI": metadata.doi,
        "abstract": metadata.abstract,
        "keyword": ", ".join(metadata.keywords),
        "language": metadata.language,
        "URL": url,
    }
    item.update({name: printable(text) for name, text in texts.items() if text})
    if metadata.authors:
        item["author"] = [_name(author) for author in metadata.authors]
    if metadata.year is not None:
        item["issued"] = {"date-parts": [[metadata.year]]}
    if metadata.arxiv_id:
        item["archive"] = "arXiv"
        item["archive_location"] = printable(metadata.arxiv_id)
    return item


def _name(author: Author) -> dict[str, str]:
    if not author.family:
        return {"literal": printable(author.name)}
    name = {"family": printable(author.family)}
    if author.given:
        name["given"] = printable(author.given)
    return name
