"""Search: passages of papers by embedding and words, papers that the query names first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.documents import Chunk, Passage
from domain.errors import InvalidRequest, UnknownCollection
from domain.library_search import MAX_RANKED, LibrarySearch
from domain.relevance import NOTHING_FITS_BELOW, Calibration, coverage
from domain.search import DENSE_WEIGHT, SearchMode, SearchQuery
from serve_app.api.serializers import to_hit_schema
from serve_app.api.services import Services
from serve_app.library.known_papers import NamedDocuments, named_documents, named_hits
from serve_app.library.reranking import RERANK, RerankedHits, Reranking, rerank, wanted_reranking
from serve_app.library.search_cursor import SearchCursor
from serve_app.library.search_hits import (
    Hit,
    find_hits,
    with_document_ids,
    without_repeated,
)
from serve_app.schemas import core as schemas
from stores.milvus.terms import ignored_words, terms, word_terms

RELEVANCE_DIGITS = 4
DEEP = 4 * MAX_RANKED
"""Candidates of each retriever for all pages but the first, so that the pages fit each other."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The first hits, named papers before all others: the same for every page of a search.

    `reasons`: by what the query names the paper of the first hits. `is_all`: no others exist.
    `note`: why the hits are not reranked.
    """

    hits: list[Hit]
    reasons: list[str]
    candidates: int
    is_all: bool
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of hits. `reasons`: by what the query names the paper of the first hits."""

    hits: list[Hit]
    reasons: list[str]
    has_next: bool
    candidates: int


async def run_search(search: LibrarySearch, services: Services) -> schemas.SearchResult:
    """Returns the response of POST /api/v1/search.

    Raises UnknownCollection, Unavailable, RerankerNotConfigured, and InvalidRequest for
    `min_relevance` without a calibrated model.
    """
    started = time.perf_counter()
    query, reranking = search.query, wanted_reranking(search, services.reranking)
    if query.min_relevance is not None and services.calibration is None:
        raise InvalidRequest(
            "min_relevance is not available: the relevance of hits is not calibrated for this "
            "embedding model (docs/decisions/0012-relevance.md). Search without it."
        )
    _check_visible(query)
    vector, known, named = await asyncio.gather(
        _query_vector(query, services),
        with_document_ids(search, services),
        named_documents(search, services),
    )
    head = await _head(known, vector, named, reranking, services)
    page = await _page(known, vector, head, services)
    if not page.hits:  # the collection of a hit exists
        await _check_collection(query, services)
    relevances = _relevances(query, page, services.calibration)
    next_offset = search.offset + query.limit
    cursor = SearchCursor(next_offset, plain_order=head.note is not None)
    has_next = page.has_next and next_offset + query.limit <= MAX_RANKED
    return schemas.SearchResult(
        hits=_hit_schemas(search, page, relevances),
        nothing_fits=_nothing_fits(relevances),
        mode=query.mode,
        took_ms=milliseconds_since(started),
        total_candidates=page.candidates,
        next_cursor=cursor.encoded() if has_next else None,
        understood=_understood(search),
        reranked=reranking is not None and head.note is None,
        notes=[head.note] if head.note else [],
    )


def milliseconds_since(started: float) -> float:
    """Returns the time since this value of `time.perf_counter`, with two decimals."""
    return round((time.perf_counter() - started) * 1000, 2)


async def _head(
    search: LibrarySearch,
    vector: np.ndarray | None,
    named: NamedDocuments,
    reranking: Reranking | None,
    services: Services,
) -> _Head:
    wanted = _limited(search, search.query.limit + 1)
    if reranking is not None:
        wanted = _ungrouped(_limited(search, reranking.candidates))
    found = await find_hits(wanted, vector, services)
    ranked = RerankedHits(found.hits)
    if reranking is not None:
        ranked = await rerank(search, found.hits, reranking)
    first = await named_hits(search, named, ranked.hits, services)
    hits = without_repeated([hit for hit, _ in first] + ranked.hits, search)
    reasons = [reason for _, reason in first]
    is_all = len(found.hits) < wanted.query.limit
    return _Head(hits, reasons, found.candidates, is_all, ranked.note)


async def _page(
    search: LibrarySearch, vector: np.ndarray | None, head: _Head, services: Services
) -> _Page:
    """Returns the wanted page. Later pages follow the first one without gaps and repetitions."""
    start, end = search.offset, search.offset + search.query.limit
    ranking, candidates = head.hits, head.candidates
    if len(ranking) <= end and not head.is_all:
        deep = await find_hits(_limited(search, end + 1, DEEP), vector, services)
        ranking = without_repeated(ranking + deep.hits, search)
        candidates = deep.candidates
    return _Page(ranking[start:end], head.reasons[start:end], len(ranking) > end, candidates)


def _limited(search: LibrarySearch, limit: int, depth: int | None = None) -> LibrarySearch:
    return replace(search, query=replace(search.query, limit=limit, depth=depth))


def _ungrouped(search: LibrarySearch) -> LibrarySearch:
    return replace(search, query=replace(search.query, group_by_document=False))


def _hit_schemas(
    search: LibrarySearch, page: _Page, relevances: Sequence[float | None]
) -> list[schemas.Hit]:
    """Returns the hits that are relevant enough, with explanations if these are wanted."""
    reasons = [*page.reasons, *[None] * (len(page.hits) - len(page.reasons))]
    rows = zip(page.hits, relevances, reasons, strict=True)
    shown = list[schemas.Hit]()
    for (passage, document), relevance, reason in rows:
        if relevance is None or relevance >= (search.query.min_relevance or 0):
            hit = to_hit_schema(passage, document, search.query.text, relevance, reason)
            hit.explanation = _explanation(search, passage) if search.explain else None
            shown.append(hit)
    return shown


def _understood(search: LibrarySearch) -> schemas.UnderstoodQuery:
    by_words = search.query.mode is not SearchMode.DENSE
    return schemas.UnderstoodQuery(
        phrases=list(search.phrases),
        excluded=list(search.excluded),
        ignored=ignored_words(search.query.text) if by_words else [],
    )


def _explanation(search: LibrarySearch, passage: Passage) -> schemas.HitExplanation:
    wanted = dict.fromkeys(word_terms(search.query.text))
    found = set(_terms_of(passage.chunk))
    is_hybrid = search.query.mode is SearchMode.HYBRID
    return schemas.HitExplanation(
        parts=passage.parts,
        dense_weight=DENSE_WEIGHT if is_hybrid else None,
        rerank_score=passage.scores.get(RERANK),
        terms_found=[term for term in wanted if term in found],
        terms_missing=[term for term in wanted if term not in found],
    )


def _relevances(
    query: SearchQuery, page: _Page, calibration: Calibration | None
) -> list[float] | list[None]:
    """Returns the relevance of each hit, 1 for a paper that the query names; None without a
    calibration."""
    if calibration is None:
        return [None] * len(page.hits)
    wanted = word_terms(query.text)
    others = [passage for passage, _ in page.hits[len(page.reasons) :]]
    shares = [coverage(wanted, _terms_of(passage.chunk)) for passage in others]
    return [1.0] * len(page.reasons) + [
        round(calibration.relevance(passage.scores.get("dense"), share), RELEVANCE_DIGITS)
        for passage, share in zip(others, shares, strict=True)
    ]


def _terms_of(chunk: Chunk) -> list[str]:
    """Returns the terms of a passage and of its context."""
    return terms(chunk.context) + terms(chunk.text)


def _nothing_fits(relevances: Sequence[float | None]) -> bool | None:
    """Returns whether no hit is relevant; None without a calibration."""
    known = [one for one in relevances if one is not None]
    if len(known) < len(relevances):
        return None
    return all(one < NOTHING_FITS_BELOW for one in known)


def _check_visible(query: SearchQuery) -> None:
    """Raises UnknownCollection for a collection that the client may not see."""
    if query.collection and query.among is not None and query.collection not in query.among:
        raise _unknown(query.collection)


async def _check_collection(query: SearchQuery, services: Services) -> None:
    name = query.collection
    if name is not None and not await services.documents.has_collection(name):
        raise _unknown(name)


def _unknown(name: str) -> UnknownCollection:
    return UnknownCollection(
        f"There is no collection {name!r}; upload a paper to it first, or list the collections "
        "with GET /api/v1/collections."
    )


async def _query_vector(query: SearchQuery, services: Services) -> np.ndarray | None:
    if query.mode is SearchMode.SPARSE:
        return None
    return await services.embed_query(query.text)
