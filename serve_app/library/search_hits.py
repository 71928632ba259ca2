"""The hits of a search: passages of the vector store that PostgreSQL and the conditions accept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from domain.documents import ALL_DOCUMENTS, DocumentFilter, DocumentStatus, Passage
from domain.library_search import MAX_RANKED, LibrarySearch
from domain.search import SearchQuery
from domain.section_topics import topics_of
from serve_app.library.copies import Hit, each_text_once, each_work_once
from stores.milvus.terms import has_phrase, has_word, phrase_terms

if TYPE_CHECKING:
    from serve_app.api.services import Services

OVERFETCH_FACTOR = 4
CONDITION_FACTOR = 10
"""Passages to look at per wanted hit, if the vector store does not know a condition."""
MAX_DOCUMENT_IDS = 1000
"""Up to this number of documents, the vector store gets their ids; beyond, hits are checked."""

NO_DOCUMENTS = ("",)  # an empty tuple means all documents


@dataclass(frozen=True, slots=True)
class SearchHits:
    """Passages with their documents, best first, and the number of ranked candidates."""

    hits: list[Hit]
    candidates: int


async def find_hits(
    search: LibrarySearch, vector: np.ndarray | None, services: Services
) -> SearchHits:
    """Returns the best `search.query.limit` hits, regardless of its offset.

    Drops passages of deleted documents, of inactive versions, and those that do not meet the
    conditions. They may have displaced others: the search is repeated with larger limits, up to
    MAX_RANKED passages. `with_document_ids` spares checks. Raises Unavailable.
    """
    found = SearchHits([], 0)
    if search.query.document_ids == NO_DOCUMENTS:
        return found
    for query in _widening(search):
        passages = await asyncio.to_thread(services.vectors.search, query, vector)
        accepted = await _accepted(passages, search, services)
        hits = without_repeated(accepted, search)
        found = SearchHits(hits[: search.query.limit], len(passages))
        has_all = len(passages) < query.limit
        hides_others = query.group_by_document and len(accepted) < len(passages)
        if len(hits) >= search.query.limit or (has_all and not hides_others):
            break
    return found


def wanted_papers(search: LibrarySearch) -> DocumentFilter:
    """Returns the conditions on the papers of the search, those of its query included."""
    query = search.query
    return replace(
        search.papers,
        collection=query.collection,
        among=query.among,
        document_ids=query.document_ids or None,
    )


async def with_document_ids(search: LibrarySearch, services: Services) -> LibrarySearch:
    """Returns the search with the ids of its documents, unless these are many."""
    if search.papers == ALL_DOCUMENTS:
        return search
    ids = await services.documents.ids(wanted_papers(search), MAX_DOCUMENT_IDS + 1)
    if len(ids) > MAX_DOCUMENT_IDS:
        return search
    document_ids = tuple(sorted(ids)) or NO_DOCUMENTS
    return replace(search, query=replace(search.query, document_ids=document_ids))


def _widening(search: LibrarySearch) -> Iterator[SearchQuery]:
    """Yields the query with growing limits. Only the first one is grouped by the vector store."""
    terms = frozenset[str]().union(*map(phrase_terms, search.phrases))
    query, limit = replace(search.query, required_terms=terms), search.query.limit
    if search.limits_passages or _is_checked(search):
        query, limit = replace(query, group_by_document=False), limit * CONDITION_FACTOR
    while limit < MAX_RANKED:
        yield replace(query, limit=limit)
        query, limit = replace(query, group_by_document=False), limit * OVERFETCH_FACTOR
    yield replace(query, limit=MAX_RANKED)


def _is_checked(search: LibrarySearch) -> bool:
    return search.papers != ALL_DOCUMENTS and not search.query.document_ids


async def _accepted(
    passages: Sequence[Passage], search: LibrarySearch, services: Services
) -> list[Hit]:
    wanted = [passage for passage in passages if _meets(passage, search)]
    ids = {passage.chunk.document_id for passage in wanted}
    active = await services.documents.active(ids, search.papers)
    return [
        (passage, document)
        for passage in wanted
        if (document := active.get(passage.chunk.document_id)) is not None
        and document.version == passage.chunk.version
        and document.status == DocumentStatus.READY
    ]


def _meets(passage: Passage, search: LibrarySearch) -> bool:
    text = passage.chunk.text
    return (
        (not search.topics or bool(search.topics & topics_of(passage.chunk.section)))
        and all(has_phrase(text, phrase) for phrase in search.phrases)
        and not any(has_word(text, word) for word in search.excluded)
    )


def without_repeated(hits: Iterable[Hit], search: LibrarySearch) -> list[Hit]:
    """Returns the hits, each document or each passage once, and once for all copies of a work."""
    if search.query.group_by_document:
        best = _first_of_each(hits, lambda hit: hit[1].document_id)
        return best if search.lists_copies else each_work_once(best)
    once = _first_of_each(hits, lambda hit: hit[0].chunk.chunk_id)
    return once if search.lists_copies else each_text_once(once)


def _first_of_each(hits: Iterable[Hit], key: Callable[[Hit], str]) -> list[Hit]:
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(key(hit), hit)
    return list(first.values())
