"""The pages of a document as pictures, with passages marked on them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from domain.documents import Document
from domain.errors import NotFound
from domain.papers import Box
from serve_app.api.answers import PNG, etag_of, made_file, picture, unchanged
from serve_app.api.context import DOCUMENT, ServicesHere
from serve_app.api.disconnect import while_connected
from serve_app.api.parameters import ChunkIds, DocumentId, KnownETag, Number
from serve_app.api.problems import documented
from serve_app.api.services import Services

router = APIRouter(prefix=f"{DOCUMENT}/pages", tags=["documents"])

CACHE = "private, max-age=3600"
MOST_PASSAGES = 16_384  # of one document; what one question to Milvus can give


@router.get(
    "/{number}.png",
    response_class=Response,
    responses={**picture("The page as it is printed, with the highlights."), **documented(404)},
)
async def get_page_png(
    document_id: DocumentId,
    number: Number,
    request: Request,
    services: ServicesHere,
    highlights: ChunkIds = [],  # noqa: B006 - FastAPI copies it
    dpi: Annotated[int, Query(ge=36, le=300, description="Pixels per inch.")] = 144,
    known: KnownETag = None,
) -> Response:
    """A page as PNG; the boxes of passages named by `highlight` are marked where they stand on it.

    At most 16 million pixels: a larger page comes at a lower resolution.
    """
    document = await services.documents.get(document_id)
    boxes = [box for box in await _boxes(document, highlights, services) if box.page == number]
    etag = etag_of(document.sha256, number, dpi, *boxes)
    if answer := unchanged(etag, known, CACHE):
        return answer
    drawing = services.renderer.page(services.blobs, document.sha256, number, dpi, boxes)
    png = await while_connected(request, drawing)
    headers = {"ETag": etag, "Cache-Control": CACHE}
    return made_file(png, PNG, document, f"-page-{number}.png", **headers)


async def _boxes(document: Document, chunk_ids: Sequence[str], services: Services) -> list[Box]:
    """The boxes of these passages, on every page. Raises NotFound for one that is not there."""
    if not chunk_ids:
        return []
    chunks = await asyncio.to_thread(
        services.vectors.chunks, document.document_id, document.version, limit=MOST_PASSAGES
    )
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    for chunk_id in chunk_ids:
        if chunk_id not in by_id:
            raise NotFound(
                f"The document has no passage {chunk_id}; it may have been read again since. "
                "Search once more, or leave it out."
            )
    return [box for chunk_id in chunk_ids for box in by_id[chunk_id].boxes]
