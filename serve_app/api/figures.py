"""The figures of a document, and their pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from domain.errors import NotFound
from serve_app.api.answers import PNG, etag_of, made_file, picture, unchanged
from serve_app.api.context import DOCUMENT, ServicesHere
from serve_app.api.disconnect import while_connected
from serve_app.api.parameters import DocumentId, KnownETag, Number
from serve_app.api.problems import documented
from serve_app.api.serializers.papers import figures_shape
from serve_app.library.paper_content import missing_part, read_document
from serve_app.schemas import papers as paper_schemas

router = APIRouter(prefix=f"{DOCUMENT}/figures", tags=["documents"])

CACHE = "private, no-cache"  # figure 2 may be another one after the paper was read again


@router.get("", responses=documented(404, 409))
async def list_figures(document_id: DocumentId, services: ServicesHere) -> paper_schemas.Figures:
    """The figures of a document; `read` is false as long as nobody has looked for them."""
    document, paper = await read_document(document_id, services)
    return paper_schemas.Figures(figures=figures_shape(paper), read=document.figures is not None)


@router.get(
    "/{number}.png",
    response_class=Response,
    responses={**picture("The figure as it is printed."), **documented(404, 409)},
)
async def get_figure_png(
    document_id: DocumentId,
    number: Number,
    request: Request,
    services: ServicesHere,
    dpi: Annotated[int, Query(ge=36, le=600, description="Pixels per inch.")] = 200,
    known: KnownETag = None,
) -> Response:
    """A figure as PNG, cut out of its page; at most 16 million pixels."""
    document, paper = await read_document(document_id, services)
    figure = next((one for one in paper.figures if one.number == number), None)
    if figure is None:
        looked = document.figures is not None
        raise NotFound(missing_part("figure", number, len(paper.figures), looked))
    etag = etag_of(document.sha256, figure.box, dpi)
    if answer := unchanged(etag, known, CACHE):
        return answer
    drawing = services.renderer.figure(services.blobs, document.sha256, figure.box, dpi)
    png = await while_connected(request, drawing)
    headers = {"ETag": etag, "Cache-Control": CACHE}
    return made_file(png, PNG, document, f"-figure-{number}.png", **headers)
