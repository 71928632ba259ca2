"""Queries that name a paper: its DOI, arXiv id, title, file name, authors, or words of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from domain.documents import Document
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
    """What a query may be the name of. `title_key`: extraction/citations/match.py.

    `words`: the folded words of the query, which may be words of one record.
    """

    doi: str | None = None
    arxiv_id: str | None = None
    title_key: str | None = None
    author: str | None = None
    words: tuple[str, ...] = ()

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


def is_filename(name_words: Sequence[str], filename: str) -> bool:
    """Returns whether folded words are the whole name of a file, with or without its suffix."""
    name = PurePosixPath(filename)
    return list(name_words) in (_words(name.name), _words(name.stem))


def words_beside_title(name_words: Sequence[str], document: Document) -> list[str]:
    """Returns those of the words that the title lacks; none unless all are words of the record.

    The record: title, names of the authors, year, venue, DOI, arXiv id and file name without
    suffix. One word alone is a word of many records.
    """
    if len(name_words) < 2:
        return []
    names = " ".join(author.name for author in document.authors)
    filename = PurePosixPath(document.filename).with_suffix("")
    identifiers = (document.doi, document.arxiv_id, filename)
    fields = (document.title, names, document.year, document.venue, *identifiers)
    record = _words(" ".join(str(field) for field in fields if field))
    if not set(name_words) <= set(record):
        return []
    title = set(_words(document.title or ""))
    return [word for word in name_words if word not in title]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", fold(text))


def is_author(name_words: Sequence[str], authors: Sequence[Author]) -> bool:
    """Returns whether folded words name one author: each is a name or an initial of it.

    One of the words is part of the family name: "hinton", "g hinton", "geoffrey hinton".
    """
    return any(_is_named(name_words, author) for author in authors)


def _is_named(name_words: Sequence[str], author: Author) -> bool:
    own = _words(author.name)
    family = _words(author.family or "") or own[-1:]
    initials = {word[0] for word in own}
    return not set(name_words).isdisjoint(family) and all(
        word in own or word in initials for word in name_words
    )
