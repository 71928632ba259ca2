"""The figures of a document, and their images."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from domain.errors import NotFound
from serve_app.api.context import DOCUMENT, ServicesDep
from serve_app.api.disconnect import cancel_on_disconnect
from serve_app.api.file_responses import PNG, etag_of, file_response, not_modified, openapi_png
from serve_app.api.parameters import DocumentId, IfNoneMatch, Number
from serve_app.api.problems import problem_responses
from serve_app.api.serializers.papers import to_figure_schemas
from serve_app.library.paper_content import document_with_paper, missing_part_message
from serve_app.schemas import papers as paper_schemas

router = APIRouter(prefix=f"{DOCUMENT}/figures", tags=["documents"])

CACHE = "private, no-cache"  # figure 2 may be a different one after a reingest


@router.get("", responses=problem_responses(404, 409))
async def list_figures(document_id: DocumentId, services: ServicesDep) -> paper_schemas.Figures:
    """Returns the figures of a document. `read` is false until the layout step has run."""
    document, paper = await document_with_paper(document_id, services)
    return paper_schemas.Figures(
        figures=to_figure_schemas(paper), read=document.figures is not None
    )


@router.get(
    "/{number}.png",
    response_class=Response,
    responses={**openapi_png("The figure as printed."), **problem_responses(404, 409)},
)
async def get_figure_png(
    document_id: DocumentId,
    number: Number,
    request: Request,
    services: ServicesDep,
    dpi: Annotated[int, Query(ge=36, le=600, description="Pixels per inch.")] = 200,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Returns a figure as PNG, cropped from its page; at most 16 million pixels."""
    document, paper = await document_with_paper(document_id, services)
    figure = next((figure for figure in paper.figures if figure.number == number), None)
    if figure is None:
        is_known = document.figures is not None
        raise NotFound(missing_part_message("figure", number, len(paper.figures), is_known))
    etag = etag_of(document.sha256, figure.box, dpi)
    if response := not_modified(etag, if_none_match, CACHE):
        return response
    rendering = services.renderer.figure(services.blobs, document.sha256, figure.box, dpi)
    png = await cancel_on_disconnect(request, rendering)
    headers = {"ETag": etag, "Cache-Control": CACHE}
    return file_response(png, PNG, document, f"-figure-{number}.png", **headers)
