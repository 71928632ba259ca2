"""Exports a paper as a RIS record, the exchange format of reference managers.

Tags: the RIS format specification of Research Information Systems; Zotero, EndNote and Mendeley
read them.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.papers import Author, Metadata
from extraction.export.escape import printable
from extraction.export.publication import Publication, publication_of

_TYPES = {
    Publication.PROCEEDINGS: "CPAPER",
    Publication.JOURNAL: "JOUR",
    Publication.PREPRINT: "UNPB",
    Publication.UNKNOWN: "GEN",
}


def to_ris(metadata: Metadata, key: str) -> str:
    """Returns the record, which ends with a line feed; missing fields are left out.

    `key` becomes the reference ID. The type is a journal article with a journal or a DOI, a
    conference paper with proceedings, an unpublished work with an arXiv id only, else generic.
    Each value is on one line.
    """
    lines = [("TY", _TYPES[publication_of(metadata)]), ("ID", key), *_fields(metadata), ("ER", "")]
    return "".join(f"{tag}  - {printable(value)}\n" for tag, value in lines)


def _fields(metadata: Metadata) -> Iterator[tuple[str, str]]:
    if metadata.title:
        yield "TI", metadata.title
    for author in metadata.authors:
        yield "AU", _name(author)
    if metadata.year is not None:
        yield "PY", f"{metadata.year:04}"
    if metadata.venue:
        yield "T2", metadata.venue
    if metadata.doi:
        yield "DO", metadata.doi
    if metadata.arxiv_id:
        yield "UR", f"https://arxiv.org/abs/{metadata.arxiv_id}"
    for keyword in metadata.keywords:
        yield "KW", keyword
    if metadata.language:
        yield "LA", metadata.language
    if metadata.abstract:
        yield "AB", metadata.abstract


def _name(author: Author) -> str:
    """Returns the name as "family, given"; a name without known parts as printed."""
    if not author.family:
        return author.name
    return f"{author.family}, {author.given}" if author.given else author.family
