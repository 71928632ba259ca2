"""Answers a search: ask the vector store, then show only what PostgreSQL says is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.documents import ChunkKind, Document, DocumentStatus, Passage
from domain.errors import UnknownCollection
from domain.search import SearchMode, SearchQuery
from serve_app.api.serializers.core import hit_shape
from serve_app.api.services import Services
from serve_app.schemas import core as schemas
from stores.protocols import VectorStore

WIDER = 4
MOST = 1000
BODY = (ChunkKind.TEXT, ChunkKind.ABSTRACT)


@dataclass(frozen=True, slots=True)
class Found:
    """Passages with their documents, best first, and how many were ranked to find them."""

    hits: list[tuple[Passage, Document]]
    candidates: int


async def answer(query: SearchQuery, services: Services) -> schemas.SearchResult:
    """What POST /api/v1/search answers. Raises UnknownCollection, Unavailable."""
    began = time.perf_counter()
    found = await find(query, services)
    return schemas.SearchResult(
        hits=[hit_shape(passage, document, query.text) for passage, document in found.hits],
        mode=query.mode,
        took_ms=round((time.perf_counter() - began) * 1000, 2),
        total_candidates=found.candidates,
    )


async def find(query: SearchQuery, services: Services) -> Found:
    """The passages of active documents that answer. Raises UnknownCollection, Unavailable."""
    _, vector = await asyncio.gather(_check_collection(query, services), _vector(query, services))
    return await find_near(query, vector, services)


async def find_near(query: SearchQuery, vector: np.ndarray | None, services: Services) -> Found:
    """As `find`, for a query whose vector is known already.

    Chunks of a deleted document or of another version than the active one are dropped. When there
    are any, they may hide others that belong here, so a wider list is fetched and cut here.
    """
    passages = await asyncio.to_thread(services.vectors.search, query, vector)
    hits = await _active(passages, services)
    if len(hits) < len(passages):
        wider = replace(query, limit=min(WIDER * query.limit, MOST), group_by_document=False)
        passages = await asyncio.to_thread(services.vectors.search, wider, vector)
        hits = await _active(passages, services)
        if query.group_by_document:
            hits = _first_of_each(hits)
    return Found(hits[: query.limit], len(passages))


async def find_similar(
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
        kinds=BODY,
        group_by_document=True,
    )
    hits = (await find_near(query, mean, services)).hits
    others = [hit for hit in hits if hit[1].document_id != document.document_id]
    return others[:limit]


def _mean(document: Document, vectors: VectorStore) -> np.ndarray | None:
    """The mean of the document's vectors; of those of its text, when it has any."""
    stored = vectors.stored(document.document_id, document.version)
    body = [vector for chunk, vector in stored if chunk.kind in BODY]
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


async def _active(
    passages: Sequence[Passage], services: Services
) -> list[tuple[Passage, Document]]:
    active = await services.documents.active({p.chunk.document_id for p in passages})
    return [
        (passage, document)
        for passage in passages
        if (document := active.get(passage.chunk.document_id)) is not None
        and _shows(document, passage)
    ]


def _shows(document: Document, passage: Passage) -> bool:
    return document.version == passage.chunk.version and document.status == DocumentStatus.READY


def _first_of_each(hits: list[tuple[Passage, Document]]) -> list[tuple[Passage, Document]]:
    first: dict[str, tuple[Passage, Document]] = {}
    for hit in hits:
        first.setdefault(hit[1].document_id, hit)
    return list(first.values())
