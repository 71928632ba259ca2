"""Documents, chunks and search results.

Ids are derived from content, so that repeated processing is idempotent. Bounding boxes are in PDF
points (1/72 inch) from the top left corner of the displayed page; page numbers start at 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from domain.jobs import Record
from domain.papers import Author, Box


class ChunkKind(StrEnum):
    TEXT = "text"
    ABSTRACT = "abstract"
    TABLE = "table"  # label, caption, header and rows
    FIGURE = "figure"  # label, caption and the passages that mention it
    REFERENCE = "reference"  # excluded from searches by default


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of embedding, indexing and search: at most `max_tokens` tokens of the model.

    `context` (title and section) precedes the text when it is embedded and counts in `tokens`; it
    is not displayed.
    """

    chunk_id: str
    document_id: str
    version: int
    ordinal: int
    kind: ChunkKind
    text: str
    section: str | None
    boxes: tuple[Box, ...]
    context: str = ""
    tokens: int = 0

    @property
    def indexed_text(self) -> str:
        """Returns the input of the model and of the term index: the context, then the text."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def page_first(self) -> int:
        return min(box.page for box in self.boxes)

    @property
    def page_last(self) -> int:
        return max(box.page for box in self.boxes)


@dataclass(frozen=True, slots=True)
class Passage:
    """A search hit: `score` is the ranking score, `scores` the scores of each retriever.

    `parts` are the summands of `score` by retriever. `also_in`: ids of other files of the same work
    that the hit stands for.
    """

    chunk: Chunk
    collection: str
    score: float
    scores: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    also_in: tuple[str, ...] = ()


class DocumentStatus(StrEnum):
    PROCESSING = "processing"  # accepted, not yet searchable
    READY = "ready"  # searchable
    FAILED = "failed"  # could not be processed
    CANCELLED = "cancelled"  # its processing was cancelled before it completed
    DELETED = "deleted"  # a tombstone: late writes of its chunks never become searchable


CORRECTABLE = ("title", "authors", "year", "venue", "doi")
"""The metadata fields that a person can correct."""


class Document(Record):
    """A paper in a collection. `version` is the active version, the only one that is searched.

    `tables` and `figures` are None until the layout step has run. `corrections` holds the columns
    that a person has corrected; later versions keep them.
    """

    document_id: str
    collection: str
    sha256: str
    filename: str
    bytes: int
    version: int = 1
    status: DocumentStatus = DocumentStatus.PROCESSING
    title: str | None = None
    authors: tuple[Author, ...] = ()
    abstract: str | None = None
    keywords: tuple[str, ...] = ()
    doi: str | None = None
    arxiv_id: str | None = None
    year: int | None = None
    venue: str | None = None
    language: str | None = None
    pages: int | None = None
    chunks: int = 0
    sections: int = 0
    references: int = 0
    tables: int | None = None
    figures: int | None = None
    quality: Mapping[str, Any] = Field(default_factory=dict)
    needs_review: bool = False
    corrections: Mapping[str, Any] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()
    created_at: datetime
    searchable_at: datetime | None = None

    @property
    def is_ready(self) -> bool:
        """True if the document is searchable."""
        return self.status == DocumentStatus.READY


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Conditions that a document must meet; None and empty conditions match everything.

    Each of `words` must occur in the title, the filename or the name of an author, ignoring case.
    The words of `author` must be names of one author or of several, ignoring case and accents. The
    document has all of `tags`. `since`: uploaded at this time or later. `among`: the collections
    that the client may see, None for all.
    """

    collection: str | None = None
    status: DocumentStatus | None = None
    needs_review: bool | None = None
    words: tuple[str, ...] = ()
    year_first: int | None = None
    year_last: int | None = None
    among: frozenset[str] | None = None
    author: str | None = None
    doi: str | None = None
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    document_ids: tuple[str, ...] | None = None


ALL_DOCUMENTS = DocumentFilter()


class DocumentOrder(StrEnum):
    NEWEST = "newest"  # upload first
    OLDEST = "oldest"
    TITLE = "title"
    YEAR = "year"  # latest first
    AUTHOR = "author"  # family name of the first author; papers without authors in the end
    STATE = "state"  # as in STATE_ORDER, the newest of each first


STATE_ORDER = (
    DocumentStatus.FAILED,
    DocumentStatus.CANCELLED,
    DocumentStatus.PROCESSING,
    DocumentStatus.READY,
)
"""The states of documents that are not deleted: what needs attention comes first."""


def document_id(collection: str, sha256: str) -> str:
    """Returns the id of a file in a collection: `doc_` and 24 hexadecimal digits."""
    return f"doc_{_digest(collection, sha256)[:24]}"


def chunk_id(document: str, version: int, ordinal: int, kind: str, text: str) -> str:
    """Returns the deterministic id of a chunk: 32 hexadecimal digits."""
    return _digest(document, version, ordinal, kind, text)[:32]


def _digest(*parts: Any) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()
