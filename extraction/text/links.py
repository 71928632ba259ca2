"""The identifiers of papers in the links of a page: many bibliographies print none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote

from domain.papers import Box
from extraction.text.labels import REFERENCES, split_number
from extraction.text.lines import Line
from extraction.vocabulary.section_names import SectionName, section_name

_SITES = ("doi.org/10.", "doi.org%2F10.", "arxiv.org/abs/", "arxiv.org/pdf/")
_MAX_LINKS = 2000  # of a page; bounds the work on made-up pages
_MAX_URI_LENGTH = 500  # characters
_MAX_HEADING_LENGTH = 40  # characters


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a DOI or to arXiv, and its place on the page as shown."""

    uri: str
    box: Box


def begins_references(lines: Sequence[Line]) -> bool:
    """True if one of the lines is the heading of a bibliography."""
    return any(
        len(line.text) <= _MAX_HEADING_LENGTH and _is_references(split_number(line.text)[1])
        for line in lines
    )


def _is_references(title: str) -> bool:
    return bool(REFERENCES.fullmatch(title)) or section_name(title) is SectionName.REFERENCES


def page_links(page: Any, number: int) -> list[Link]:
    """Returns the links of a page to DOIs and to arXiv; none of a rotated page."""
    if page.rotation:
        return []
    found: list[Link] = []
    for link in islice(_all_links(page), _MAX_LINKS):
        uri = link.uri
        if uri and len(uri) <= _MAX_URI_LENGTH and any(site in uri for site in _SITES):
            rect = link.rect
            found.append(Link(unquote(uri), Box(number, rect.x0, rect.y0, rect.x1, rect.y1)))
    return found


def _all_links(page: Any) -> Iterator[Any]:
    link = page.first_link
    while link is not None:
        yield link
        link = link.next
