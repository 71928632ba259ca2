"""Answers a search: ask the vector store, then show only what PostgreSQL says is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from domain.documents import ChunkKind, Document, DocumentStatus, Passage
from domain.errors import UnknownCollection
from domain.search import SearchMode, SearchQuery
from serve_app.api.serializers.core import to_hit_schema
from serve_app.api.services import Services
from serve_app.schemas import core as schemas

OVERFETCH_FACTOR = 4
MAX_PASSAGES = 1000
BODY_KINDS = (ChunkKind.TEXT, ChunkKind.ABSTRACT)


@dataclass(frozen=True, slots=True)
class SearchHits:
    """Passages with their documents, best first, and how many were ranked to find_passages them."""

    hits: list[tuple[Passage, Document]]
    candidates: int


async def run_search(query: SearchQuery, services: Services) -> schemas.SearchResult:
    """What POST /api/v1/search answers. Raises UnknownCollection, Unavailable."""
    began = time.perf_counter()
    found = await find_passages(query, services)
    return schemas.SearchResult(
        hits=[to_hit_schema(passage, document, query.text) for passage, document in found.hits],
        mode=query.mode,
        took_ms=round((time.perf_counter() - began) * 1000, 2),
        total_candidates=found.candidates,
    )


async def find_passages(query: SearchQuery, services: Services) -> SearchHits:
    """The passages of active documents that run_search. Raises UnknownCollection, Unavailable."""
    _, vector = await asyncio.gather(_check_collection(query, services), _vector(query, services))
    return await find_by_vector(query, vector, services)


async def find_by_vector(
    query: SearchQuery, vector: np.ndarray | None, services: Services
) -> SearchHits:
    """As `find`, for a query whose vector is known already.

    Chunks of a deleted document or of another version than the active one are dropped. When there
    are any, they may hide others that belong here, so a wider list is fetched and cut here.
    """
    passages = await asyncio.to_thread(services.vectors.search, query, vector)
    hits = await _visible_hits(passages, services)
    if len(hits) < len(passages):
        wider = replace(
            query, limit=min(OVERFETCH_FACTOR * query.limit, MAX_PASSAGES), group_by_document=False
        )
        passages = await asyncio.to_thread(services.vectors.search, wider, vector)
        hits = await _visible_hits(passages, services)
        if query.group_by_document:
            hits = _best_per_document(hits)
    return SearchHits(hits[: query.limit], len(passages))


async def find_similar_documents(
    document: Document, limit: int, services: Services
) -> list[tuple[Passage, Document]]:
    """Other documents of the collection with the passage nearest to the mean of this one's.

    Best first, each document once; empty for a document without passages. Raises Unavailable.
    """
    mean = await asyncio.to_thread(_mean, document, services.vectors)
    if mean is None:
        return []
    query = SearchQuery(
        "",
        document.collection,
        SearchMode.DENSE,
        limit + 1,  # it is most like itself
        kinds=BODY_KINDS,
        group_by_document=True,
    )
    hits = (await find_by_vector(query, mean, services)).hits
    others = [hit for hit in hits if hit[1].document_id != document.document_id]
    return others[:limit]


def _mean(document: Document, vectors: Any) -> np.ndarray | None:
    """The mean of the document's vectors; of those of its text, when it has any."""
    stored = vectors.stored(document.document_id, document.version)
    body = [vector for chunk, vector in stored if chunk.kind in BODY_KINDS]
    return np.mean(body or [vector for _, vector in stored], axis=0) if stored else None


async def _check_collection(query: SearchQuery, services: Services) -> None:
    name = query.collection
    if name is not None and not await services.documents.has_collection(name):
        raise UnknownCollection(
            f"There is no collection {name!r}; upload a paper to it first, or list them with "
            "GET /api/v1/collections."
        )


async def _vector(query: SearchQuery, services: Services) -> np.ndarray | None:
    if query.mode is SearchMode.SPARSE:
        return None
    return await services.embed_query(query.text)


async def _visible_hits(
    passages: Sequence[Passage], services: Services
) -> list[tuple[Passage, Document]]:
    active = await services.documents.active({p.chunk.document_id for p in passages})
    return [
        (passage, document)
        for passage in passages
        if (document := active.get(passage.chunk.document_id)) is not None
        and _is_visible(document, passage)
    ]


def _is_visible(document: Document, passage: Passage) -> bool:
    return document.version == passage.chunk.version and document.status == DocumentStatus.READY


def _best_per_document(hits: list[tuple[Passage, Document]]) -> list[tuple[Passage, Document]]:
    first: dict[str, tuple[Passage, Document]] = {}
    for hit in hits:
        first.setdefault(hit[1].document_id, hit)
    return list(first.values())
