"""Documents, the chunks that are found, and the passages that answer.

Ids are derived from content, so that doing a thing twice gives the same thing. Boxes are in PDF
points (1/72 inch) from the top left of the page as shown; pages count from 1.
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
    FIGURE = "figure"  # label, caption and where the text speaks of it
    REFERENCE = "reference"  # kept out of searches unless asked for


@dataclass(frozen=True, slots=True)
class Chunk:
    """At most `max_tokens` tokens of the model: what is embedded, indexed and found.

    `context` (title and section) is embedded before the text, counted in `tokens`, never shown.
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
        """What the model and the term index see: the context, then the text."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def page_first(self) -> int:
        return min(box.page for box in self.boxes)

    @property
    def page_last(self) -> int:
        return max(box.page for box in self.boxes)


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that answers a query: `score` orders hits, `scores` has what each side gave."""

    chunk: Chunk
    collection: str
    score: float
    scores: dict[str, float] = field(default_factory=dict)


class DocumentStatus(StrEnum):
    PROCESSING = "processing"  # accepted, not yet searchable
    READY = "ready"  # searchable
    FAILED = "failed"  # could not be read
    CANCELLED = "cancelled"  # somebody stopped it before it was read to its end
    DELETED = "deleted"  # a tombstone: late writes of its chunks are never shown


class Document(Record):
    """A paper in a collection. `version` is the active one: search shows no other.

    `tables` and `figures` are None until somebody has looked for them.
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
    language: str | None = None
    pages: int | None = None
    chunks: int = 0
    sections: int = 0
    references: int = 0
    tables: int | None = None
    figures: int | None = None
    quality: Mapping[str, Any] = Field(default_factory=dict)
    needs_review: bool = False
    created_at: datetime
    searchable_at: datetime | None = None


def document_id(collection: str, sha256: str) -> str:
    """The id of these bytes in that collection: `doc_` and 24 hexadecimal digits."""
    return f"doc_{_digest(collection, sha256)[:24]}"


def chunk_id(document: str, version: int, ordinal: int, kind: str, text: str) -> str:
    """The id of a chunk, equal on every rerun: 32 hexadecimal digits."""
    return _digest(document, version, ordinal, kind, text)[:32]


def _digest(*parts: Any) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()
