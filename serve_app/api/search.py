"""Search: passages that answer a query, each with its page and its rectangles."""

from __future__ import annotations

from fastapi import APIRouter

from domain.library_search import parsed_search
from domain.search import SEARCHED_KINDS, SearchQuery
from serve_app.access.requirements import READS, AccessDep
from serve_app.api.problems import problem_responses
from serve_app.api.services import PREFIX, MetricsDep, ServicesDep
from serve_app.library.search import run_search
from serve_app.library.search_cursor import SearchCursor
from serve_app.schemas import core as schemas
from serve_app.schemas.requests import SearchRequest

router = APIRouter(prefix=PREFIX, tags=["search"], dependencies=[READS])


@router.post("/search", responses=problem_responses(404))
async def search(
    request: SearchRequest, services: ServicesDep, metrics: MetricsDep, access: AccessDep
) -> schemas.SearchResult:
    """Returns the best passages of one collection or of all collections.

    `hybrid` combines semantic (dense) and keyword (sparse) search; `dense` and `sparse` use one
    of them. With `group_by: document`, each document is returned once, with its best passage.
    Bibliography entries are excluded unless `filters.kinds` contains `reference`. `score` orders
    the hits of one search; `relevance` is comparable between searches, and `min_relevance` leaves
    out hits below it. If the service has a reranker, `scores.rerank` orders the best hits; `notes`
    states why a search was not reranked.
    """
    filters = request.filters
    query = SearchQuery(
        text=request.query,
        collection=request.collection,
        mode=request.mode,
        limit=request.limit,
        document_ids=tuple(filters.document_ids or ()),
        kinds=tuple(filters.kinds or SEARCHED_KINDS),
        page_first=filters.page_first,
        page_last=filters.page_last,
        group_by_document=request.group_by == "document",
        min_relevance=request.min_relevance,
        among=access.collections,
    )
    cursor = SearchCursor.decoded(request.cursor)
    search = parsed_search(
        query,
        topics=frozenset(filters.sections or ()),
        papers=filters.papers,
        offset=cursor.offset,
        plain_order=cursor.plain_order,
        explain=request.explain,
        rerank=request.rerank,
    )
    result = await run_search(search, services)
    metrics.searches.labels(request.mode).inc()
    return result
