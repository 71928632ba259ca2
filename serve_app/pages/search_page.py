"""The search page. Its address contains the complete search."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from domain.documents import ChunkKind
from domain.search import SEARCHED_KINDS, SearchMode, SearchQuery
from serve_app.access.requirements import READS, AccessDep
from serve_app.api.collections import visible_collections
from serve_app.api.parameters import STORABLE
from serve_app.api.services import MetricsDep, ServicesDep
from serve_app.library.search import run_search
from serve_app.pages.page_route import page_router
from serve_app.pages.parameters import Blank, CollectionField
from serve_app.pages.rendering import render, wants_fragment
from serve_app.pages.snippets import snippet
from serve_app.schemas.core import Hit, SearchResult

router = page_router(READS)
HITS, MAX_QUERY_CHARACTERS = 20, 4000
MARGIN_POINTS = 6  # around the passage in its image


@router.get("/search")
async def search_page(
    request: Request,
    services: ServicesDep,
    metrics: MetricsDep,
    access: AccessDep,
    q: Annotated[str, Query(max_length=MAX_QUERY_CHARACTERS, pattern=STORABLE)] = "",
    collection: CollectionField = None,
    mode: SearchMode = SearchMode.HYBRID,
    kind: Annotated[ChunkKind | None, Blank, Query()] = None,
    papers: bool = False,
) -> Response:
    """Returns the page, or for htmx the results alone. `papers` shows each paper once."""
    result = None
    if q.strip():
        kinds = (kind,) if kind else SEARCHED_KINDS
        query = SearchQuery(
            q,
            collection,
            mode,
            HITS,
            kinds=kinds,
            group_by_document=papers,
            among=access.collections,
        )
        result = await run_search(query, services)
        metrics.searches.labels(mode).inc()
    values = {"q": q, "result": result, "hits": _shown(result)}
    if wants_fragment(request):
        return render(request, "search_results.html", **values)
    return render(
        request,
        "search.html",
        collection=collection,
        mode=mode,
        kind=kind,
        grouped=papers,
        modes=list(SearchMode),
        kinds=list(ChunkKind),
        collections=await visible_collections(services, access),
        **values,
    )


def _shown(result: SearchResult | None) -> list[dict[str, Any]]:
    return [
        {"hit": hit, "snippet": snippet(hit.text, hit.highlights), "region": _region(hit)}
        for hit in (result.hits if result else ())
    ]


def _region(hit: Hit) -> dict[str, float]:
    """Returns the rectangle around the boxes of the passage on its first page."""
    boxes = [box for box in hit.boxes if box.page == hit.page_first]
    return {
        "x0": max(0, min(box.x0 for box in boxes) - MARGIN_POINTS),
        "y0": max(0, min(box.y0 for box in boxes) - MARGIN_POINTS),
        "x1": max(box.x1 for box in boxes) + MARGIN_POINTS,
        "y1": max(box.y1 for box in boxes) + MARGIN_POINTS,
    }
