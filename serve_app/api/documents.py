"""Documents: list, get and delete them; their passages and original PDFs."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from domain.documents import Document, DocumentFilter, DocumentOrder, DocumentStatus
from domain.errors import NotFound, PreconditionFailed
from serve_app.access.requirements import CHANGES, READS, AccessDep, require_collection
from serve_app.api.byte_ranges import ByteRange, Unsatisfiable, requested_range
from serve_app.api.etags import json_etag, matches
from serve_app.api.file_responses import NOT_MODIFIED, inline_disposition, not_modified
from serve_app.api.parameters import (
    STORABLE,
    AuthorFilter,
    CollectionFilter,
    Cursor,
    DocumentId,
    FilterText,
    IfMatch,
    IfNoneMatch,
    Limit,
    TagFilter,
    Time,
    Year,
)
from serve_app.api.problems import error_response, problem_responses
from serve_app.api.serializers import to_chunk_schema
from serve_app.api.services import PREFIX, Services, ServicesDep
from serve_app.http.errors import RangeNotSatisfiable
from serve_app.library.corrections import correct_metadata
from serve_app.library.moves import move_document
from serve_app.library.works import document_schema, document_schemas
from serve_app.schemas import core as schemas
from serve_app.schemas.requests import MetadataCorrection
from stores.blobs.blob_store import pdf_key
from stores.postgres.cursors import decode_offset, encode_offset

PDF = "application/pdf"
router = APIRouter(prefix=f"{PREFIX}/documents", tags=["documents"])


@router.get("", responses=problem_responses(), dependencies=[READS])
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
    author: AuthorFilter = None,
    year_first: Year = None,
    year_last: Year = None,
    doi: Annotated[str | None, Query(max_length=520, pattern=STORABLE)] = None,
    tag: TagFilter = None,
    since: Annotated[
        Time | None, Query(description="Only documents uploaded at this time or later.")
    ] = None,
    order: DocumentOrder = DocumentOrder.NEWEST,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> schemas.Listed[schemas.Document]:
    """Returns documents that meet all conditions; `tag` may be repeated.

    By title and by year, a change between two pages may repeat or skip documents.
    """
    wanted = DocumentFilter(
        collection,
        status,
        needs_review,
        tuple((text or "").split()),
        year_first,
        year_last,
        access.collections,
        author,
        doi,
        tuple(tag or ()),
        since,
    )
    page = await services.documents.list(wanted, order=order, cursor=cursor, limit=limit)
    items = await document_schemas(page.items, services)
    return schemas.Listed(items=items, next_cursor=page.next_cursor)


@router.get(
    "/{document_id}",
    response_model=schemas.Document,
    responses={**NOT_MODIFIED, **problem_responses(404)},
    dependencies=[READS],
)
async def get_document(
    document_id: DocumentId,
    services: ServicesDep,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> schemas.Document | Response:
    """Returns a document. Its ETag changes with every field of it."""
    document = await document_schema(await services.documents.get(document_id), services)
    response.headers["ETag"] = json_etag(document)
    return not_modified(json_etag(document), if_none_match, "no-cache") or document


@router.patch(
    "/{document_id}",
    responses=problem_responses(404, 409, 412, 429, 507),
    dependencies=[CHANGES],
)
async def correct_document(
    document_id: DocumentId,
    correction: MetadataCorrection,
    services: ServicesDep,
    access: AccessDep,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.Document:
    """Corrects the metadata of a document, sets its tags, moves it, and returns it.

    Absent fields stay as they are; null restores the extracted value. Corrections and tags survive
    further readings of the paper, and exports and citations use them. With If-Match, nothing is
    changed if the document has changed since.

    With `collection`, the document is replaced by one of that collection, which has another
    `document_id` and the same metadata and tags. It is read again; searches find it after that. An
    unknown collection is created.
    """
    document = await _expected(document_id, if_match, services)
    given = correction.model_dump(exclude_unset=True)
    target = given.pop("collection", document.collection)  # an id, as every validated name
    require_collection(access, target)
    if given:
        document = await correct_metadata(document, given, services)
    changed = await document_schema(await move_document(document, target, services), services)
    response.headers["ETag"] = json_etag(changed)
    response.headers["Content-Location"] = f"{PREFIX}/documents/{changed.document_id}"
    return changed


@router.delete(
    "/{document_id}", status_code=204, responses=problem_responses(404, 412), dependencies=[CHANGES]
)
async def delete_document(
    document_id: DocumentId, services: ServicesDep, if_match: IfMatch = None
) -> None:
    """Deletes a document. Searches stop returning it at once.

    Passages, vectors and extracted content are erased in the background after the response, and so
    is the PDF unless another document has the same bytes.
    """
    # Neither the vector store nor the blob store is called. A deletion therefore works while these
    # are unavailable, and cannot remove data that a concurrent upload needs.
    if if_match is not None:
        await _expected(document_id, if_match, services)
    await services.documents.delete(document_id)
    services.deletions_due()


async def _expected(document_id: str, if_match: str | None, services: Services) -> Document:
    """Returns the document. Raises PreconditionFailed if its ETag is another one."""
    document = await services.documents.get(document_id)
    if if_match is not None:
        shown = await document_schema(document, services)
        if not matches(if_match, json_etag(shown)):
            raise PreconditionFailed
    return document


@router.get("/{document_id}/chunks", responses=problem_responses(404), dependencies=[READS])
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
        **NOT_MODIFIED,
        **problem_responses(404, 416),
    },
    dependencies=[READS],
)
@router.head("/{document_id}/original", include_in_schema=False, dependencies=[READS])
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
    if matches(if_none_match, etag):
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
