"""A paper as composed, and its first pages -> what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.papers import BlockKind, Evidence, Metadata, Paper
from extraction.metadata.abstract import Abstract, find_abstract
from extraction.metadata.authors import find_authors
from extraction.metadata.file_metadata import read_stated
from extraction.metadata.front import Place, find_place
from extraction.metadata.keywords import find_keywords
from extraction.metadata.language import find_language
from extraction.metadata.names import plain
from extraction.metadata.paper_identifiers import find_arxiv_id, find_doi
from extraction.metadata.year import find_year
from extraction.text.lines import Line

_MOST_LINES, _LONGEST_LINE = 3000, 1000
_BODY_BEGINS = 0.45  # share of the page's height that front matter takes where no abstract tells


@dataclass(frozen=True)
class Front:
    """The metadata, and the indexes into `Paper.blocks` of the blocks that print the abstract."""

    metadata: Metadata
    abstract_blocks: tuple[int, ...] = ()


def find_metadata(
    paper: Paper,
    front: Sequence[Line],
    stated: Mapping[str, str],
    dropped: Sequence[Line] = (),
) -> Front:
    """The metadata of a paper, each field with its evidence.

    `front` are the lines of the first two pages in reading order, `dropped` all lines of these
    pages before running headers were taken away (their DOI, year and stamp count), `stated` the
    file's own dictionary with its XMP packet as "xmp". None or empty is what the paper lacks.
    """
    front = _bounded(front)
    every = _bounded(dropped) or front
    own = read_stated(stated)
    place = find_place(paper.title, every) or find_place(paper.title, front)
    keywords = find_keywords(paper.blocks, every, own)
    abstract = find_abstract(paper, front, every, keywords)
    authors = find_authors(place, every, own.names, _names_near(every))
    doi = find_doi(every, own, _end_of_front(paper, abstract, every))
    first = [line for line in every if line.page == every[0].page] if every else []
    arxiv = find_arxiv_id(first, doi[0] if doi else None)
    year = find_year(every, own)
    language = find_language(_sample(paper, abstract))
    evidence = {
        "title": _title_evidence(paper.title, stated, place),
        "authors": authors.evidence,
        "abstract": abstract.evidence if abstract else None,
        "keywords": keywords.evidence,
        "doi": doi[1] if doi else None,
        "arxiv_id": arxiv[1] if arxiv else None,
        "year": year[1] if year else None,
        "language": language[1] if language else None,
    }
    metadata = Metadata(
        paper.title,
        authors.authors,
        abstract.text if abstract else None,
        keywords.words,
        doi[0] if doi else None,
        arxiv[0] if arxiv else None,
        year[0] if year else None,
        language[0] if language else None,
        {field: found for field, found in evidence.items() if found is not None},
    )
    return Front(metadata, abstract.blocks if abstract else ())


def _bounded(lines: Sequence[Line]) -> list[Line]:
    """The lines, with an end: some made-up pages have millions of letters on one of them."""
    return [
        line
        if len(line.text) <= _LONGEST_LINE
        else replace(
            line,
            text=line.text[:_LONGEST_LINE],
            text_with_superscript_marks=line.text_with_superscript_marks[:_LONGEST_LINE],
        )
        for line in lines[:_MOST_LINES]
    ]


def _names_near(every: Sequence[Line]) -> str:
    return " ".join(line.text_with_superscript_marks or line.text for line in every)


def _title_evidence(
    title: str | None, stated: Mapping[str, str], place: Place | None
) -> Evidence | None:
    if title is None:
        return None
    if place is None:
        return Evidence("file metadata", 0.4)
    agrees = plain(stated.get("title") or "")[:60] == plain(title)[:60]
    return Evidence("type, file metadata", 0.99) if agrees else Evidence("type", 0.85)


def _end_of_front(paper: Paper, abstract: Abstract | None, every: Sequence[Line]) -> float:
    """The y on the first page down to which titles, authors and addresses reach, in points."""
    if abstract and abstract.blocks:
        box = paper.blocks[abstract.blocks[0]].boxes[0]
        if every and box.page == every[0].page:
            return box.y0
    return _BODY_BEGINS * max((line.y1 for line in every), default=0.0)


def _sample(paper: Paper, abstract: Abstract | None) -> str:
    """Running text: the body's first paragraphs, else the abstract."""
    body = [b.text for b in paper.blocks[:120] if b.kind is BlockKind.TEXT and len(b.text) > 200]
    return " ".join([*body[:6], abstract.text[:1000] if abstract else ""]) or " ".join(
        block.text for block in paper.blocks[:40]
    )
