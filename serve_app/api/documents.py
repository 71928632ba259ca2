"""Documents: what is in the library, its passages and its PDF, and how to be rid of it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from domain.documents import DocumentStatus
from serve_app.api.context import PREFIX, ServicesHere
from serve_app.api.names import inline_disposition
from serve_app.api.parameters import CollectionFilter, Cursor, DocumentId, Limit
from serve_app.api.problems import documented
from serve_app.api.serializers.core import chunk_shape, document_shape
from serve_app.library.deletion import remove_document
from serve_app.schemas import core as schemas
from stores.blobs.blob_store import pdf_key
from stores.postgres.cursors import decode_offset, encode_offset

router = APIRouter(prefix=PREFIX, tags=["documents"])


@router.get("/documents", responses=documented())
async def list_documents(
    services: ServicesHere,
    collection: CollectionFilter = None,
    status: DocumentStatus | None = None,
    needs_review: Annotated[
        bool | None, Query(description="Only those that could (false) or could not be read well.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> schemas.Listed[schemas.Document]:
    """Documents, newest first."""
    page = await services.documents.list(
        collection=collection,
        status=status,
        needs_review=needs_review,
        cursor=cursor,
        limit=limit,
    )
    return schemas.Listed(
        items=[document_shape(document) for document in page.items], next_cursor=page.next_cursor
    )


@router.get("/documents/{document_id}", responses=documented(404))
async def get_document(document_id: DocumentId, services: ServicesHere) -> schemas.Document:
    """A document."""
    return document_shape(await services.documents.get(document_id))


@router.delete("/documents/{document_id}", status_code=204, responses=documented(404))
async def delete_document(document_id: DocumentId, services: ServicesHere) -> None:
    """Deletes a document. No search shows it from now on; passages, vectors and what was read are
    erased after the answer, and its PDF unless another document has the same bytes."""
    await remove_document(document_id, services)


@router.get("/documents/{document_id}/chunks", responses=documented(404))
async def list_chunks(
    document_id: DocumentId, services: ServicesHere, cursor: Cursor = None, limit: Limit = 50
) -> schemas.Listed[schemas.Chunk]:
    """The passages of a document in reading order."""
    document = await services.documents.get(document_id)
    offset = decode_offset(cursor)
    chunks = await asyncio.to_thread(
        services.vectors.chunks, document_id, document.version, offset=offset, limit=limit + 1
    )
    return schemas.Listed(
        items=[chunk_shape(chunk, document) for chunk in chunks[:limit]],
        next_cursor=encode_offset(offset + limit) if len(chunks) > limit else None,
    )


@router.get(
    "/documents/{document_id}/original",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {}}, "description": "The PDF as it was uploaded."},
        304: {"description": "The client's copy is the same."},
        **documented(404),
    },
)
async def get_original(
    document_id: DocumentId,
    services: ServicesHere,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The PDF as it was uploaded; its ETag is its SHA-256."""
    document = await services.documents.get(document_id)
    etag = f'"{document.sha256}"'
    if etag in (if_none_match or ""):
        return Response(status_code=304, headers={"ETag": etag})
    pieces = await asyncio.to_thread(services.blobs.stream, pdf_key(document.sha256))
    headers = {
        "ETag": etag,
        "Content-Length": str(document.bytes),
        "Content-Disposition": inline_disposition(document.filename),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(pieces, media_type="application/pdf", headers=headers)
