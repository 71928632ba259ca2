"""What a search asks for, and how dense and sparse answers become one list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.documents import ChunkKind


class SearchMode(StrEnum):
    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question to one collection (or all, when None); `document_ids` empty means every document."""

    text: str
    collection: str | None = None
    mode: SearchMode = SearchMode.HYBRID
    limit: int = 10
    document_ids: tuple[str, ...] = ()
    kinds: tuple[ChunkKind, ...] = (ChunkKind.TEXT,)
    page_first: int | None = None
    page_last: int | None = None
    group_by_document: bool = False
