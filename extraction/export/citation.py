"""Exports a paper as a line of plain text, to be pasted into a text or an e-mail."""

from __future__ import annotations

from domain.papers import Metadata
from extraction.export.escape import printable


def to_citation(metadata: Metadata) -> str:
    """Returns the line: authors (year). Title. Venue. Address. Missing fields are left out."""
    names = _listed([author.name for author in metadata.authors])
    year = f"({metadata.year:04})" if metadata.year is not None else ""
    sentences = (" ".join(filter(None, (names, year))), metadata.title, metadata.venue)
    ended = [one if one.endswith((".", "?", "!")) else f"{one}." for one in sentences if one]
    return printable(" ".join([*ended, _address(metadata)]))


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _address(metadata: Metadata) -> str:
    if metadata.doi:
        return f"https://doi.org/{metadata.doi}"
    return f"https://arxiv.org/abs/{metadata.arxiv_id}" if metadata.arxiv_id else ""
