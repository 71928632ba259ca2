"""The search page. Its address contains the complete search."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Query, Request, Response

from domain.activity import Activity
from domain.documents import ChunkKind
from domain.errors import InvalidRequest
from domain.search import SearchMode
from domain.section_topics import SectionTopic
from serve_app.access.requirements import READS, AccessDep
from serve_app.api.collections import visible_collections
from serve_app.api.services import MetricsDep, ServicesDep
from serve_app.library.search import run_search
from serve_app.library.snippets import Segment, snippet
from serve_app.pages.page_route import page_router
from serve_app.pages.rendering import render, wants_fragment
from serve_app.pages.search_form import SearchForm
from serve_app.schemas.core import Hit, SearchResult

router = page_router(READS)
MARGIN_POINTS = 6  # beside the passage in its image
LEADING_POINTS = 2  # above and below it: less than the gap between two lines


@router.get("/search")
async def search_page(
    request: Request,
    services: ServicesDep,
    metrics: MetricsDep,
    access: AccessDep,
    form: Annotated[SearchForm, Query()],
) -> Response:
    """Returns the page, or for htmx the results alone: for a later page, its hits alone."""
    result = problem = None
    try:
        search = form.search(access) if form.q.strip() else None
    except InvalidRequest as error:
        search, problem = None, str(error)
    if search:
        started = time.perf_counter()
        result = await run_search(search, services)
        metrics.searches.labels(form.mode).inc()
        metrics.times.observe(Activity.SEARCH, time.perf_counter() - started)
    values = {"form": form, "result": result, "hits": _shown(result), "problem": problem}
    if wants_fragment(request):
        template = "search_hits.html" if form.cursor else "search_results.html"
        return render(request, template, **values)
    return render(
        request,
        "search.html",
        modes=list(SearchMode),
        kinds=list(ChunkKind),
        sections=list(SectionTopic),
        collections=await visible_collections(services, access),
        **values,
    )


def _shown(result: SearchResult | None) -> list[dict[str, Any]]:
    return [
        {"hit": hit, "snippet": _snippet(hit), "region": _region(hit)}
        for hit in (result.hits if result else ())
    ]


def _snippet(hit: Hit) -> list[Segment]:
    highlights = [(one.start, one.end) for one in hit.highlights]
    return snippet(hit.text, (hit.snippet.start, hit.snippet.end), highlights)


def _region(hit: Hit) -> dict[str, float]:
    """Returns the rectangle around the boxes of the passage on its first page."""
    boxes = [box for box in hit.boxes if box.page == hit.page_first]
    return {
        "x0": max(0, min(box.x0 for box in boxes) - MARGIN_POINTS),
        "y0": max(0, min(box.y0 for box in boxes) - LEADING_POINTS),
        "x1": max(box.x1 for box in boxes) + MARGIN_POINTS,
        "y1": max(box.y1 for box in boxes) + LEADING_POINTS,
    }
