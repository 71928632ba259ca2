"""The home page: the papers of the library, with filters and actions."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from domain.documents import DocumentFilter, DocumentOrder, DocumentStatus
from serve_app.access.requirements import READS, AccessDep
from serve_app.api.collections import visible_collections
from serve_app.api.parameters import Cursor
from serve_app.api.serializers import to_document_schema
from serve_app.api.services import ServicesDep
from serve_app.pages.page_route import page_router
from serve_app.pages.parameters import Blank, CollectionField, TextField, YearField
from serve_app.pages.rendering import render, wants_fragment

router = page_router(READS)
PAPERS_PER_PAGE = 50
UNFILTERED = ("collection", "order")  # parameters without which the page has as many papers


@router.get("/")
async def library_page(
    request: Request,
    services: ServicesDep,
    access: AccessDep,
    collection: CollectionField = None,
    state: Annotated[DocumentStatus | None, Blank, Query()] = None,
    review: Annotated[bool | None, Blank, Query()] = None,
    text: TextField = "",
    year_first: YearField = None,
    year_last: YearField = None,
    tag: TextField = "",
    order: DocumentOrder = DocumentOrder.NEWEST,
    cursor: Cursor = None,
) -> Response:
    """Returns the page, or for htmx the list of papers alone."""
    wanted = DocumentFilter(
        collection,
        state,
        review or None,
        tuple(text.split()),
        year_first,
        year_last,
        access.collections,
        tags=(tag,) if tag else (),
    )
    listed = await services.documents.list(
        wanted, order=order, cursor=cursor, limit=PAPERS_PER_PAGE
    )
    filters = {
        "collection": collection,
        "state": state,
        "review": "true" if review else None,
        "text": text,
        "year_first": year_first,
        "year_last": year_last,
        "tag": tag,
        "order": None if order is DocumentOrder.NEWEST else order,
    }
    values = {
        "papers": list(map(to_document_schema, listed.items)),
        "next_cursor": listed.next_cursor,
        "filters": filters,
        "is_filtered": any(value for name, value in filters.items() if name not in UNFILTERED),
    }
    if wants_fragment(request):
        template = "paper_rows.html" if cursor else "paper_list.html"
        return render(request, template, **values)
    collections = await visible_collections(services, access)
    return render(
        request,
        "library.html",
        collections=collections,
        orders=list(DocumentOrder),
        states=[status for status in DocumentStatus if status != DocumentStatus.DELETED],
        **values,
    )
