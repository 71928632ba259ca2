"""The bibliography of chosen documents and collections, as a file for a reference manager."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from domain.errors import InvalidRequest
from domain.identifiers import DOCUMENT_ID
from serve_app.access.requirements import (
    READS,
    AccessDep,
    require_collection,
    require_known_collection,
)
from serve_app.api.file_responses import CONTENT_POLICY, inline_disposition
from serve_app.api.problems import problem_responses
from serve_app.api.services import PREFIX, ServicesDep
from serve_app.library.bibliography import (
    FORMATS,
    BibliographyFormat,
    bibliography_of,
    searchable_documents,
)
from serve_app.schemas.requests import CollectionName

router = APIRouter(prefix=PREFIX, tags=["documents"], dependencies=[READS])

MAX_COLLECTIONS = 50
MAX_DOCUMENTS = 200  # 8 kB of address: HAProxy takes 16 kB of request line and headers
FormatParameter = Annotated[BibliographyFormat, Query(alias="format")]
DocumentIds = Annotated[
    list[Annotated[str, Query(pattern=DOCUMENT_ID.pattern)]] | None,
    Query(
        alias="document_id",
        max_length=MAX_DOCUMENTS,
        description="A `document_id`; may be repeated.",
    ),
]
CollectionNames = Annotated[
    list[CollectionName] | None,
    Query(
        alias="collection",
        max_length=MAX_COLLECTIONS,
        description="A collection with all its searchable documents; may be repeated.",
    ),
]
BIBLIOGRAPHY_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {spec.media_type: {} for spec in FORMATS.values()},
        "description": "One entry per searchable document.",
    }
}


@router.get(
    "/bibliography",
    response_class=StreamingResponse,
    responses={**BIBLIOGRAPHY_RESPONSE, **problem_responses(404)},
)
async def export_documents(
    services: ServicesDep,
    access: AccessDep,
    document_ids: DocumentIds = None,
    collections: CollectionNames = None,
    chosen: FormatParameter = BibliographyFormat.BIBTEX,
) -> StreamingResponse:
    """Returns one bibliography of documents and collections, in which citation keys are unique.

    Documents that are not searchable are left out; one that is named twice has one entry.
    """
    if not document_ids and not collections:
        raise InvalidRequest("Name a paper with document_id, or a collection with collection.")
    for collection in collections or ():
        require_collection(access, collection)
        await require_known_collection(collection, services)
    found = await searchable_documents(document_ids or (), services.documents, access)
    spec = FORMATS[chosen]
    return StreamingResponse(
        bibliography_of(collections or (), chosen, services.documents, found),
        headers={
            "Content-Disposition": inline_disposition(f"papers{spec.ending}"),
            "Content-Security-Policy": CONTENT_POLICY,
        },
        media_type=spec.content_type,
    )
