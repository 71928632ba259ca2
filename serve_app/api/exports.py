"""Exports of documents and collections: Markdown, JSON, BibTeX, CSL-JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from domain.documents import Document
from extraction.export.bibtex import to_bibtex
from extraction.export.csl import to_csl
from extraction.export.markdown import to_markdown
from serve_app.api.context import DOCUMENT, PREFIX, ServicesDep
from serve_app.api.file_responses import file_response
from serve_app.api.names import inline_disposition
from serve_app.api.parameters import CollectionPath, DocumentId, unknown_collection
from serve_app.api.problems import problem_responses
from serve_app.api.serializers.papers import to_export_schema
from serve_app.api.services import Services
from serve_app.library.bibliography import bibliography_of
from serve_app.library.paper_content import document_with_paper, metadata_of, searchable_document

router = APIRouter(prefix=PREFIX)

BIBTEX, CSL = "application/x-bibtex", "application/vnd.citationstyles.csl+json"
_MEDIA_TYPES = ("text/markdown", "application/json", BIBTEX, CSL)
_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {media_type: {} for media_type in _MEDIA_TYPES},
        "description": "The document in that format.",
    }
}
_BIBTEX: dict[int | str, dict[str, Any]] = {
    200: {"content": {BIBTEX: {}}, "description": "One entry per document."}
}


@router.get(
    DOCUMENT.removeprefix(PREFIX) + "/export",
    tags=["documents"],
    response_class=Response,
    responses={**_FORMATS, **problem_responses(404, 409)},
)
async def export_document(
    document_id: DocumentId,
    services: ServicesDep,
    export_format: Annotated[
        Literal["markdown", "json", "bibtex", "csl"],
        Query(
            alias="format",
            description="json contains everything: text, boxes, tables, references.",
        ),
    ] = "markdown",
) -> Response:
    """Returns a document as Markdown, JSON, BibTeX or CSL-JSON."""
    match export_format:
        case "markdown":
            document, paper = await document_with_paper(document_id, services)
            text = await asyncio.to_thread(to_markdown, paper)
            return file_response(text, "text/markdown", document, ".md")
        case "json":
            return await _json_export(document_id, services)
        case "bibtex":
            document = await searchable_document(document_id, services)
            return file_response(to_bibtex(metadata_of(document)), BIBTEX, document, ".bib")
        case "csl":
            document = await searchable_document(document_id, services)
            return file_response(_csl(document).encode(), CSL, document, ".csl.json")


@router.get(
    "/collections/{name}/export",
    tags=["collections"],
    response_class=StreamingResponse,
    responses={**_BIBTEX, **problem_responses(404)},
)
async def export_collection(
    name: CollectionPath,
    services: ServicesDep,
    export_format: Annotated[Literal["bibtex"], Query(alias="format")] = "bibtex",
) -> StreamingResponse:
    """Returns the bibliography of a collection: one entry per document, newest upload first."""
    if not await services.documents.has_collection(name):
        raise unknown_collection(name)
    headers = {
        "Content-Disposition": inline_disposition(f"{name}.bib"),
        "X-Content-Type-Options": "nosniff",
    }
    entries = bibliography_of(name, services.documents)
    return StreamingResponse(entries, media_type=f"{BIBTEX}; charset=utf-8", headers=headers)


async def _json_export(document_id: str, services: Services) -> Response:
    (document, paper), links = await asyncio.gather(
        document_with_paper(document_id, services), services.citations.links(document_id)
    )
    data = await asyncio.to_thread(
        lambda: to_export_schema(document, paper, links).model_dump_json().encode()
    )
    return file_response(data, "application/json", document, ".json")


def _csl(document: Document) -> str:
    return json.dumps([to_csl(metadata_of(document), document.document_id)], ensure_ascii=False)
