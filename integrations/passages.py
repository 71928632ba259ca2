"""Passages and papers as other programs get them, and the addresses of their pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import quote

from pydantic import BeforeValidator

from domain.papers import Author
from serve_app.schemas.core import Rectangle, Wire


def names_of(authors: Iterable[Author | str]) -> list[str]:
    """Returns the names of the authors."""
    return [author if isinstance(author, str) else author.name for author in authors]


Names = Annotated[list[str], BeforeValidator(names_of)]


class Passage(Wire):
    """A passage of a paper, with the title, authors and year of the paper.

    Pages count from 1. `boxes` are in points (1/72 inch) from the top left corner of the page.
    Passages of one search are ordered by `score`. `relevance` is the estimated probability, 0 to 1,
    that the passage answers the query; null if the embedding model is not calibrated.
    """

    document_id: str
    chunk_id: str
    collection: str
    filename: str
    title: str | None = None
    authors: Names
    year: int | None = None
    section: str | None = None
    page_first: int
    page_last: int
    boxes: list[Rectangle]
    text: str
    score: float
    relevance: float | None = None


def paper_url(url: str, document_id: str) -> str:
    """Returns the address of the page of a paper at the service."""
    return f"{url.rstrip('/')}/papers/{quote(document_id, safe='')}"


def page_url(url: str, document_id: str, page: int, chunk_id: str | None = None) -> str:
    """Returns the address of a printed page at the service, with the passage highlighted."""
    address = f"{paper_url(url, document_id)}/pages/{page}"
    return f"{address}?highlight={quote(chunk_id, safe='')}" if chunk_id else address
