"""Queries that name a paper: its DOI, its arXiv id, its title, or one of its authors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.papers import Author
from domain.text_folding import fold

MAX_NAME_WORDS = 5
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_ARXIV = re.compile(
    r"(?:https?://arxiv\.org/(?:abs|pdf)/|arxiv:\s*)?"
    r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7})(?:v\d+)?(?:\.pdf)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PaperName:
    """What a query may be the name of. `title_key`: extraction/citations/match.py."""

    doi: str | None = None
    arxiv_id: str | None = None
    title_key: str | None = None
    author: str | None = None

    @property
    def identifiers(self) -> tuple[tuple[str, str | None], ...]:
        """The fields that identify one paper, and their values."""
        return (("doi", self.doi), ("arxiv_id", self.arxiv_id))

    @property
    def columns(self) -> dict[str, str | None]:
        """The fields that equal a column of the document."""
        return dict(self.identifiers) | {"title_key": self.title_key}


def find_doi(query: str) -> str | None:
    """Returns the DOI if the query is one, with or without the address of a resolver."""
    found = _DOI.fullmatch(query.strip())
    return found[1].lower() if found else None


def find_arxiv_id(query: str) -> str | None:
    """Returns the arXiv id, without the version, if the query is one."""
    found = _ARXIV.fullmatch(query.strip())
    return found[1].lower() if found else None


def is_author(name_words: Sequence[str], authors: Sequence[Author]) -> bool:
    """Returns whether folded words name one author: each is a name or an initial of it.

    One of the words is part of the family name: "hinton", "g hinton", "geoffrey hinton".
    """
    return any(_is_named(name_words, author) for author in authors)


def _is_named(name_words: Sequence[str], author: Author) -> bool:
    own = re.findall(r"\w+", fold(author.name))
    family = re.findall(r"\w+", fold(author.family or "")) or own[-1:]
    initials = {word[0] for word in own}
    return not set(name_words).isdisjoint(family) and all(
        word in own or word in initials for word in name_words
    )
