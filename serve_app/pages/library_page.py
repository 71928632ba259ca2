"""The home page: the papers of the library, with filters and actions."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from domain.documents import DocumentOrder, DocumentStatus
from serve_app.access.requirements import READS, AccessDep
from serve_app.api.bibliography import MAX_DOCUMENTS
from serve_app.api.collections import visible_collections
from serve_app.api.services import ServicesDep
from serve_app.library.works import document_schemas
from serve_app.pages.library_form import LibraryForm
from serve_app.pages.page_route import page_router
from serve_app.pages.rendering import render, wants_fragment

router = page_router(READS)
PAPERS_PER_PAGE = 50


@router.get("/")
async def library_page(
    request: Request,
    services: ServicesDep,
    access: AccessDep,
    form: Annotated[LibraryForm, Query()],
) -> Response:
    """Returns the page, or for htmx the list of papers alone."""
    listed = await services.documents.list(
        form.wanted(access), order=form.order, cursor=form.cursor, limit=PAPERS_PER_PAGE
    )
    values = {
        "papers": await document_schemas(listed.items, services),
        "next_cursor": listed.next_cursor,
        "filters": form.parameters,
        "is_filtered": form.is_filtered,
        "export_limit": MAX_DOCUMENTS,
    }
    if wants_fragment(request):
        template = "paper_rows.html" if form.cursor else "paper_list.html"
        return render(request, template, **values)
    return render(
        request,
        "library.html",
        collections=await visible_collections(services, access),
        orders=list(DocumentOrder),
        states=[status for status in DocumentStatus if status != DocumentStatus.DELETED],
        **values,
    )
