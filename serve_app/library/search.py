"""Search: queries the vector store, then keeps the hits of active documents in PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.documents import ChunkKind, Document, DocumentStatus, Passage
from domain.errors import InvalidRequest, UnknownCollection
from domain.relevance import NOTHING_FITS_BELOW, Calibration, coverage
from domain.search import SearchMode, SearchQuery
from serve_app.api.serializers import to_hit_schema
from serve_app.api.services import Services
from serve_app.schemas import core as schemas
from stores.milvus.terms import terms
from stores.protocols import VectorStore

OVERFETCH_FACTOR = 4
MAX_PASSAGES = 1000
RELEVANCE_DIGITS = 4
BODY_KINDS = (ChunkKind.TEXT, ChunkKind.ABSTRACT)


@dataclass(frozen=True, slots=True)
class SearchHits:
    """Passages with their documents, best first, and the number of ranked candidates."""

    hits: list[tuple[Passage, Document]]
    candidates: int


async def run_search(query: SearchQuery, services: Services) -> schemas.SearchResult:
    """Returns the response of POST /api/v1/search.

    Raises UnknownCollection, Unavailable, and InvalidRequest for `min_relevance` without a
    calibrated model.
    """
    started = time.perf_counter()
    if query.min_relevance is not None and services.calibration is None:
        raise InvalidRequest(
            "min_relevance is not available: the relevance of hits is not calibrated for this "
            "embedding model (docs/decisions/0012-relevance.md). Search without it."
        )
    _, vector = await asyncio.gather(
        _check_collection(query, services), _query_vector(query, services)
    )
    result = await find_by_vector(query, vector, services)
    relevances = _relevances(query, [passage for passage, _ in result.hits], services.calibration)
    return schemas.SearchResult(
        hits=[
            to_hit_schema(passage, document, query.text, relevance)
            for (passage, document), relevance in zip(result.hits, relevances, strict=True)
            if relevance is None or relevance >= (query.min_relevance or 0)
        ],
        nothing_fits=_nothing_fits(relevances),
        mode=query.mode,
        took_ms=round((time.perf_counter() - started) * 1000, 2),
        total_candidates=result.candidates,
    )


async def find_by_vector(
    query: SearchQuery, vector: np.ndarray | None, services: Services
) -> SearchHits:
    """Returns the matching passages of active documents for a query whose vector is known.

    Drops chunks of deleted documents and of inactive versions. If there are any, they may have
    displaced valid hits: the search is repeated with a larger limit and truncated.
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
    """Returns other documents of the collection, each with the passage nearest to this one's mean.

    Ordered best first, each document once. Empty for a document without passages. Raises
    Unavailable.
    """
    mean = await asyncio.to_thread(_mean_vector, document, services.vectors)
    if mean is None:
        return []
    query = SearchQuery(
        "",
        document.collection,
        SearchMode.DENSE,
        limit + 1,  # the document itself is the best match
        kinds=BODY_KINDS,
        group_by_document=True,
    )
    hits = (await find_by_vector(query, mean, services)).hits
    others = [hit for hit in hits if hit[1].document_id != document.document_id]
    return others[:limit]


def _mean_vector(document: Document, vectors: VectorStore) -> np.ndarray | None:
    """Returns the mean vector of the body passages, or of all passages if there are none."""
    stored = vectors.stored(document.document_id, document.version)
    body = [vector for chunk, vector in stored if chunk.kind in BODY_KINDS]
    return np.mean(body or [vector for _, vector in stored], axis=0) if stored else None


def _relevances(
    query: SearchQuery, passages: Sequence[Passage], calibration: Calibration | None
) -> list[float] | list[None]:
    """Returns the relevance of each passage; None without a calibration."""
    if calibration is None:
        return [None] * len(passages)
    wanted = terms(query.text)
    shares = [coverage(wanted, terms(passage.chunk.indexed_text)) for passage in passages]
    return [
        round(calibration.relevance(passage.scores.get("dense"), share), RELEVANCE_DIGITS)
        for passage, share in zip(passages, shares, strict=True)
    ]


def _nothing_fits(relevances: Sequence[float | None]) -> bool | None:
    """Returns whether no hit is relevant; None without a calibration."""
    known = [one for one in relevances if one is not None]
    if len(known) < len(relevances):
        return None
    return all(one < NOTHING_FITS_BELOW for one in known)


async def _check_collection(query: SearchQuery, services: Services) -> None:
    name = query.collection
    if name is None:
        return
    is_visible = query.among is None or name in query.among
    if not is_visible or not await services.documents.has_collection(name):
        raise UnknownCollection(
            f"There is no collection {name!r}; upload a paper to it first, or list the collections "
            "with GET /api/v1/collections."
        )


async def _query_vector(query: SearchQuery, services: Services) -> np.ndarray | None:
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
        and document.version == passage.chunk.version
        and document.status == DocumentStatus.READY
    ]


def _best_per_document(hits: list[tuple[Passage, Document]]) -> list[tuple[Passage, Document]]:
    first: dict[str, tuple[Passage, Document]] = {}
    for hit in hits:
        first.setdefault(hit[1].document_id, hit)
    return list(first.values())
