"""Completes references by the DOIs and arXiv ids to which the links of their entries lead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from domain.papers import Block, BlockKind, Reference
from extraction.citations.cited_identifiers import find_arxiv_id, find_doi
from extraction.geometry import contains_center, rect_of
from extraction.text.links import Link

_TOLERANCE_POINTS = 1.0  # around a printed line


def with_linked_identifiers(
    references: Sequence[Reference], blocks: Sequence[Block], links: Sequence[Link]
) -> tuple[Reference, ...]:
    """Returns the references; one without a printed identifier, or with the beginning of one, has
    that of its links, if they all lead to one work."""
    by_page: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        by_page[link.box.page].append(link)
    entries = [block for block in blocks if block.kind is BlockKind.REFERENCE]
    if not by_page or len(entries) != len(references):
        return tuple(references)
    return tuple(
        _completed(reference, entry, by_page)
        for reference, entry in zip(references, entries, strict=True)
    )


def _completed(
    reference: Reference, entry: Block, by_page: Mapping[int, Sequence[Link]]
) -> Reference:
    uris = {
        link.uri
        for _, line in entry.lines
        for link in by_page.get(line.page, ())
        if contains_center(rect_of(line).expanded(_TOLERANCE_POINTS, _TOLERANCE_POINTS), link.box)
    }
    linked, doi = _only(find_doi, uris), reference.doi
    if linked and linked.startswith(doi or ""):  # a line's end may have cut the printed one off
        doi = linked
    arxiv_id = reference.arxiv_id or _only(find_arxiv_id, uris)
    return replace(reference, doi=doi, arxiv_id=arxiv_id)


def _only(find: Callable[[str], str | None], uris: set[str]) -> str | None:
    """Returns the identifier in the addresses; None for several, which may be other works."""
    found = {identifier for uri in uris if (identifier := find(uri))}
    return found.pop() if len(found) == 1 else None
