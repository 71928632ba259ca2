"""Finds the metadata of a paper in its text and on its first pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TypeVar

from domain.papers import Evidence, Metadata, Paper
from extraction.metadata.abstract import Abstract, find_abstract
from extraction.metadata.authors import find_authors
from extraction.metadata.file_metadata import FileMetadata, read_file_metadata
from extraction.metadata.front import find_title_box
from extraction.metadata.keywords import find_keywords
from extraction.metadata.language import find_language, text_pieces
from extraction.metadata.paper_identifiers import find_arxiv_id, find_doi
from extraction.metadata.venue import find_venue
from extraction.metadata.year import find_year
from extraction.person_names import plain
from extraction.text.lines import Line

Value = TypeVar("Value")

_MAX_LINES, _MAX_LINE_LENGTH = 3000, 1000  # that are examined; bound the work on made-up pages
# Heuristics.
_FRONT_MATTER_HEIGHT = 0.45  # share of the page's height, for a paper without an abstract
_COMPARED_LENGTH = 60  # characters by which titles are compared
# Confidence (0 to 1) of a title: from file metadata only, confirmed by it, by its type only.
_CONFIDENCE_FILE, _CONFIDENCE_CONFIRMED, _CONFIDENCE_TYPE = 0.4, 0.99, 0.85
_COVER_FACTOR = 0.8  # of the confidence of what a cover sheet states
_NOTHING = (None, None)  # value and evidence of a field that the paper lacks


@dataclass(frozen=True)
class MetadataFound:
    """The metadata, and the indexes in `Paper.blocks` of the blocks that print the abstract, in
    each of its languages."""

    metadata: Metadata
    abstract_blocks: tuple[int, ...] = ()


def find_metadata(
    paper: Paper,
    front: Sequence[Line],
    file_metadata: Mapping[str, str],
    all_lines: Sequence[Line] = (),
    cover: Sequence[Line] = (),
) -> MetadataFound:
    """Returns the metadata of a paper, each field with its evidence. A field that the paper lacks
    is None or empty.

    `front` are the lines of the first two pages in reading order. `all_lines` are the lines of
    these pages with running headers, whose DOI, year and stamp count. `file_metadata` is the
    information dictionary of the file, with its XMP packet as "xmp". `cover` are the lines of the
    cover sheets; their DOI and year count if the paper prints none.
    """
    front = _bounded(front)
    drawn = _bounded(all_lines) or front
    of_file = read_file_metadata(file_metadata)
    title_box = find_title_box(paper.title, drawn) or find_title_box(paper.title, front)
    keywords = find_keywords(paper.blocks, drawn, of_file)
    abstract = find_abstract(paper, front, drawn, keywords)
    front_text = " ".join(line.marked_text for line in drawn)
    authors = find_authors(title_box, drawn, of_file.names, front_text)
    first = [line for line in drawn if line.page == drawn[0].page]
    cover = _bounded(cover)
    end = _end_of_front(paper, abstract, drawn)
    doi_found = find_doi(drawn, of_file, end) or _of_cover(find_doi(cover, FileMetadata(), inf))
    doi, doi_evidence = doi_found or _NOTHING
    arxiv_id, arxiv_evidence = find_arxiv_id(first, doi) or _NOTHING
    years = [find_year(drawn, of_file), _of_cover(find_year(cover, FileMetadata()))]
    year, year_evidence = max(filter(None, years), key=_confidence, default=_NOTHING)
    venue, venue_evidence = find_venue(drawn, of_file) or _NOTHING
    pieces = text_pieces(paper, abstract.text if abstract else "")
    language, language_evidence = find_language(pieces) or _NOTHING
    evidence = {
        "title": _title_evidence(paper.title, file_metadata, title_box),
        "authors": authors.evidence,
        "abstract": abstract.evidence if abstract else None,
        "keywords": keywords.evidence,
        "doi": doi_evidence,
        "arxiv_id": arxiv_evidence,
        "year": year_evidence,
        "venue": venue_evidence,
        "language": language_evidence,
    }
    metadata = Metadata(
        title=paper.title,
        authors=authors.authors,
        abstract=abstract.text if abstract else None,
        keywords=keywords.words,
        doi=doi,
        arxiv_id=arxiv_id,
        year=year,
        venue=venue,
        language=language,
        evidence={field: found for field, found in evidence.items() if found is not None},
    )
    return MetadataFound(metadata, (*abstract.blocks, *abstract.others) if abstract else ())


def _of_cover(found: tuple[Value, Evidence] | None) -> tuple[Value, Evidence] | None:
    """Returns what a cover sheet states, with less confidence than what the paper prints."""
    if found is None:
        return None
    value, evidence = found
    confidence = round(_COVER_FACTOR * evidence.confidence, 2)
    return value, Evidence(f"cover sheet: {evidence.source}", confidence)


def _confidence(found: tuple[int, Evidence]) -> float:
    return found[1].confidence


def _bounded(lines: Sequence[Line]) -> list[Line]:
    """Returns the lines, limited in number and length: made-up pages have lines of any length."""
    return [
        line
        if len(line.text) <= _MAX_LINE_LENGTH
        else replace(
            line,
            text=line.text[:_MAX_LINE_LENGTH],
            text_with_superscript_marks=line.text_with_superscript_marks[:_MAX_LINE_LENGTH],
        )
        for line in lines[:_MAX_LINES]
    ]


def _title_evidence(
    title: str | None, file_metadata: Mapping[str, str], title_box: Line | None
) -> Evidence | None:
    if title is None:
        return None
    if title_box is None:
        return Evidence("file metadata", _CONFIDENCE_FILE)
    file_title = plain(file_metadata.get("title") or "")
    if file_title[:_COMPARED_LENGTH] == plain(title)[:_COMPARED_LENGTH]:
        return Evidence("type, file metadata", _CONFIDENCE_CONFIRMED)
    return Evidence("type", _CONFIDENCE_TYPE)


def _end_of_front(paper: Paper, abstract: Abstract | None, drawn: Sequence[Line]) -> float:
    """Returns the y in points to which titles, authors and addresses of the first page reach."""
    if abstract and abstract.blocks:
        box = paper.blocks[abstract.blocks[0]].boxes[0]
        if drawn and box.page == drawn[0].page:
            return box.y0
    return _FRONT_MATTER_HEIGHT * max((line.y1 for line in drawn), default=0.0)
