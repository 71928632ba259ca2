"""The pages of a document as images, with highlighted passages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from domain.documents import Document
from domain.errors import NotFound
from domain.papers import Box
from serve_app.api.context import DOCUMENT, ServicesDep
from serve_app.api.disconnect import cancel_on_disconnect
from serve_app.api.file_responses import PNG, etag_of, file_response, not_modified, openapi_png
from serve_app.api.parameters import ChunkIds, DocumentId, IfNoneMatch, Number
from serve_app.api.problems import problem_responses
from serve_app.api.services import Services

router = APIRouter(prefix=f"{DOCUMENT}/pages", tags=["documents"])

CACHE = "private, max-age=3600"
MAX_PASSAGES = 16_384  # per document; the result limit of one Milvus query


@router.get(
    "/{number}.png",
    response_class=Response,
    responses={
        **openapi_png("The page as printed, with the highlights."),
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
    boxes = [box for box in await _boxes(document, highlights, services) if box.page == number]
    etag = etag_of(document.sha256, number, dpi, *boxes)
    if response := not_modified(etag, if_none_match, CACHE):
        return response
    rendering = services.renderer.page(services.blobs, document.sha256, number, dpi, boxes)
    png = await cancel_on_disconnect(request, rendering)
    headers = {"ETag": etag, "Cache-Control": CACHE}
    return file_response(png, PNG, document, f"-page-{number}.png", **headers)


async def _boxes(document: Document, chunk_ids: Sequence[str], services: Services) -> list[Box]:
    """Returns the boxes of these passages on all pages. Raises NotFound for an unknown passage."""
    if not chunk_ids:
        return []
    chunks = await asyncio.to_thread(
        services.vectors.chunks, document.document_id, document.version, limit=MAX_PASSAGES
    )
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    for chunk_id in chunk_ids:
        if chunk_id not in by_id:
            raise NotFound(
                f"The document has no passage {chunk_id}; it may have been read again since then. "
                "Search again, or leave this id out."
            )
    return [box for chunk_id in chunk_ids for box in by_id[chunk_id].boxes]
