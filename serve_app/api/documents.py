"""Documents: list, get and delete them; their passages and original PDFs."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from domain.documents import Document, DocumentFilter, DocumentStatus
from domain.errors import NotFound
from serve_app.access.requirements import CHANGES, READS, AccessDep
from serve_app.api.byte_ranges import ByteRange, Unsatisfiable, requested_range
from serve_app.api.file_responses import inline_disposition
from serve_app.api.parameters import (
    CollectionFilter,
    Cursor,
    DocumentId,
    FilterText,
    Limit,
    Year,
)
from serve_app.api.problems import error_response, problem_responses
from serve_app.api.serializers import to_chunk_schema, to_document_schema
from serve_app.api.services import PREFIX, Services, ServicesDep
from serve_app.http.errors import RangeNotSatisfiable
from serve_app.library.corrections import correct_metadata
from serve_app.schemas import core as schemas
from serve_app.schemas.requests import MetadataCorrection
from stores.blobs.blob_store import pdf_key
from stores.postgres.cursors import decode_offset, encode_offset

PDF = "application/pdf"
router = APIRouter(prefix=f"{PREFIX}/documents", tags=["documents"], dependencies=[READS])


@router.get("", responses=problem_responses())
async def list_documents(
    services: ServicesDep,
    access: AccessDep,
    collection: CollectionFilter = None,
    status: DocumentStatus | None = None,
    needs_review: Annotated[
        bool | None,
        Query(description="Only documents that need (true) or do not need (false) review."),
    ] = None,
    text: FilterText = None,
    year_first: Year = None,
    year_last: Year = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> schemas.Listed[schemas.Document]:
    """Returns documents, newest first."""
    words = tuple((text or "").split())
    years = (year_first, year_last)
    wanted = DocumentFilter(collection, status, needs_review, words, *years, access.collections)
    page = await services.documents.list(wanted, cursor=cursor, limit=limit)
    items = list(map(to_document_schema, page.items))
    return schemas.Listed(items=items, next_cursor=page.next_cursor)


@router.get("/{document_id}", responses=problem_responses(404))
async def get_document(document_id: DocumentId, services: ServicesDep) -> schemas.Document:
    """Returns a document."""
    return to_document_schema(await services.documents.get(document_id))


@router.patch("/{document_id}", responses=problem_responses(400, 404, 409), dependencies=[CHANGES])
async def correct_document(
    document_id: DocumentId, correction: MetadataCorrection, services: ServicesDep
) -> schemas.Document:
    """Corrects the metadata of a document and returns it.

    Absent fields stay as they are; null restores the extracted value. Corrections survive further
    readings of the paper, and exports and citations use them.
    """
    given = correction.model_dump(exclude_unset=True)
    return to_document_schema(await correct_metadata(document_id, given, services))


@router.delete(
    "/{document_id}", status_code=204, responses=problem_responses(404), dependencies=[CHANGES]
)
async def delete_document(document_id: DocumentId, services: ServicesDep) -> None:
    """Deletes a document. Searches stop returning it at once.

    Passages, vectors and extracted content are erased in the background after the response, and so
    is the PDF unless another document has the same bytes.
    """
    # Neither the vector store nor the blob store is called. A deletion therefore works while these
    # are unavailable, and cannot remove data that a concurrent upload needs.
    await services.documents.delete(document_id)
    services.deletions_due()


@router.get("/{document_id}/chunks", responses=problem_responses(404))
async def list_chunks(
    document_id: DocumentId, services: ServicesDep, cursor: Cursor = None, limit: Limit = 50
) -> schemas.Listed[schemas.Chunk]:
    """Returns the passages of a document in reading order."""
    document = await services.documents.get(document_id)
    offset = decode_offset(cursor)
    chunks = await asyncio.to_thread(
        services.vectors.chunks, document_id, document.version, offset=offset, limit=limit + 1
    )
    return schemas.Listed(
        items=[to_chunk_schema(chunk, document) for chunk in chunks[:limit]],
        next_cursor=encode_offset(offset + limit) if len(chunks) > limit else None,
    )


@router.get(
    "/{document_id}/original",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {}}, "description": "The uploaded PDF."},
        206: {"content": {"application/pdf": {}}, "description": "The requested bytes of the PDF."},
        304: {"description": "Not modified: the client's copy is current."},
        **problem_responses(404, 416),
    },
)
@router.head("/{document_id}/original", include_in_schema=False)
async def get_original(
    request: Request,
    document_id: DocumentId,
    services: ServicesDep,
    if_none_match: Annotated[str | None, Header()] = None,
    bytes_wanted: Annotated[
        str | None, Header(alias="Range", description="One range, such as bytes=0-65535.")
    ] = None,
    if_range: Annotated[str | None, Header(alias="If-Range")] = None,
) -> Response:
    """Returns the uploaded PDF, or the bytes in `Range`. Its ETag is its SHA-256."""
    document = await services.documents.get(document_id)
    etag = f'"{document.sha256}"'
    if etag in (if_none_match or ""):
        return Response(status_code=304, headers={"ETag": etag})
    wanted = None
    if if_range in (None, etag):
        try:
            wanted = requested_range(bytes_wanted, document.bytes)
        except Unsatisfiable as error:
            headers = {"Content-Range": f"bytes */{document.bytes}"}
            return error_response(request, RangeNotSatisfiable(f"{error} Ask for less."), headers)
    return await _pdf(request, document, wanted, services)


async def _pdf(
    request: Request, document: Document, wanted: ByteRange | None, services: Services
) -> Response:
    """Returns the bytes of the PDF, all or a range; without a body for HEAD."""
    key, part = pdf_key(document.sha256), wanted or ByteRange(0, document.bytes, document.bytes)
    headers = {
        "ETag": f'"{document.sha256}"',
        "Accept-Ranges": "bytes",
        "Content-Length": str(part.count),
        "Content-Disposition": inline_disposition(document.filename),
        **({"Content-Range": part.content_range} if wanted else {}),
    }
    if request.method == "HEAD":
        if not await asyncio.to_thread(services.blobs.exists, key):
            raise NotFound("The PDF of the document is missing from the blob store.")
        return Response(None, 206 if wanted else 200, headers, PDF)
    pieces = await asyncio.to_thread(services.blobs.stream, key, part.first, part.count)
    return StreamingResponse(pieces, 206 if wanted else 200, headers, PDF)
