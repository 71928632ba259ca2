"""The pages of a document as images with highlighted passages, and the images of its figures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from domain.documents import Document
from domain.papers import Box
from serve_app.access.requirements import READS
from serve_app.api.file_responses import (
    NOT_MODIFIED,
    PNG,
    etag_of,
    file_response,
    not_modified,
    openapi_file,
)
from serve_app.api.parameters import ChunkIds, DocumentId, IfNoneMatch, Number
from serve_app.api.problems import problem_responses
from serve_app.api.services import DOCUMENT, ServicesDep
from serve_app.library.papers import document_with_paper, missing_part
from serve_app.library.passage_boxes import boxes_of
from serve_app.schemas.requests import Region

router = APIRouter(prefix=DOCUMENT, tags=["documents"], dependencies=[READS])

PAGE_CACHE = "private, max-age=3600"
FIGURE_CACHE = "private, no-cache"  # figure 2 may be a different one after a reingest


@dataclass(frozen=True, slots=True)
class _Image:
    """An image of a document: the end of its filename, its caching, and what it shows."""

    document: Document
    ending: str
    cache: str
    content: tuple[object, ...]

    async def response(
        self,
        request: Request,
        if_none_match: str | None,
        render: Callable[[], Coroutine[Any, Any, bytes]],
    ) -> Response:
        """Returns the rendered PNG, or 304 without rendering it if the client has it."""
        etag = etag_of(self.document.sha256, *self.content)
        if response := not_modified(etag, if_none_match, self.cache):
            return response
        png = await _cancel_on_disconnect(request, render())
        headers = {"ETag": etag, "Cache-Control": self.cache}
        return file_response(png, PNG, self.document, self.ending, **headers)


@router.get(
    "/pages/{number}.png",
    response_class=Response,
    responses={
        **openapi_file(PNG, "The page as printed, with the highlights."),
        **NOT_MODIFIED,
        **problem_responses(404),
    },
)
async def get_page_png(
    document_id: DocumentId,
    number: Number,
    request: Request,
    services: ServicesDep,
    highlights: ChunkIds = [],  # noqa: B006 - FastAPI copies it
    dpi: Annotated[int, Query(ge=36, le=300, description="Pixels per inch.")] = 144,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Returns a page as PNG. The boxes of the passages in `highlight` are marked on it.

    The image has at most 16 million pixels: a larger page is rendered at a lower resolution.
    """
    document = await services.documents.get(document_id)
    boxes = [box for box in await boxes_of(document, highlights, services) if box.page == number]
    image = _Image(document, f"-page-{number}.png", PAGE_CACHE, (number, dpi, *boxes))
    return await image.response(
        request,
        if_none_match,
        lambda: services.renderer.page(services.blobs, document.sha256, number, dpi, boxes),
    )


@router.get(
    "/pages/{number}/region.png",
    response_class=Response,
    responses={
        **openapi_file(PNG, "The region as printed."),
        **NOT_MODIFIED,
        **problem_responses(404),
    },
)
async def get_region_png(
    document_id: DocumentId,
    number: Number,
    region: Annotated[Region, Query()],
    request: Request,
    services: ServicesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Returns a rectangle of a page as PNG, such as the box of a passage.

    The part outside of the page is left out. The image has at most 16 million pixels.
    """
    document = await services.documents.get(document_id)
    box = Box(number, region.x0, region.y0, region.x1, region.y1)
    image = _Image(document, f"-page-{number}-region.png", PAGE_CACHE, (box, region.dpi))
    return await image.response(
        request,
        if_none_match,
        lambda: services.renderer.figure(services.blobs, document.sha256, box, region.dpi),
    )


@router.get(
    "/figures/{number}.png",
    response_class=Response,
    responses={
        **openapi_file(PNG, "The figure as printed."),
        **NOT_MODIFIED,
        **problem_responses(404, 409),
    },
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
        raise missing_part("figure", number, len(paper.figures), document.figures is not None)
    image = _Image(document, f"-figure-{number}.png", FIGURE_CACHE, (figure.box, dpi))
    return await image.response(
        request,
        if_none_match,
        lambda: services.renderer.figure(services.blobs, document.sha256, figure.box, dpi),
    )


async def _cancel_on_disconnect(request: Request, rendering: Coroutine[Any, Any, bytes]) -> bytes:
    """Returns the result of `rendering`, or re-raises its error.

    Cancels it and raises ClientDisconnect if the client disconnects first. Only for requests
    whose body is not read elsewhere, because this function consumes the receive channel.
    """
    running = asyncio.ensure_future(rendering)
    disconnected = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait((running, disconnected), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise ClientDisconnect
        return await running
    finally:
        for task in (running, disconnected):
            task.cancel()
        with suppress(Exception, asyncio.CancelledError):
            await disconnected


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
