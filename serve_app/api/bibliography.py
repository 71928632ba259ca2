"""The bibliography of chosen documents, as a file for a reference manager."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from domain.identifiers import DOCUMENT_ID
from serve_app.access.requirements import READS, AccessDep
from serve_app.api.file_responses import CONTENT_POLICY, inline_disposition
from serve_app.api.problems import problem_responses
from serve_app.api.services import PREFIX, ServicesDep
from serve_app.library.bibliography import FORMATS, BibliographyFormat, bibliography_for

router = APIRouter(prefix=PREFIX, tags=["documents"], dependencies=[READS])

MAX_DOCUMENTS = 200  # 8 kB of address: HAProxy takes 16 kB of request line and headers
FormatParameter = Annotated[BibliographyFormat, Query(alias="format")]
DocumentIds = Annotated[
    list[Annotated[str, Query(pattern=DOCUMENT_ID.pattern)]],
    Query(
        alias="document_id",
        min_length=1,
        max_length=MAX_DOCUMENTS,
        description="A `document_id`; may be repeated.",
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
    response_class=Response,
    responses={**BIBLIOGRAPHY_RESPONSE, **problem_responses()},
)
async def export_documents(
    document_ids: DocumentIds,
    services: ServicesDep,
    access: AccessDep,
    chosen: FormatParameter = BibliographyFormat.BIBTEX,
) -> Response:
    """Returns the bibliography of documents; those that are not searchable are left out."""
    spec = FORMATS[chosen]
    return Response(
        await bibliography_for(document_ids, chosen, services.documents, access),
        headers={
            "Content-Disposition": inline_disposition(f"papers{spec.ending}"),
            "Content-Security-Policy": CONTENT_POLICY,
        },
        media_type=spec.content_type,
    )
