"""Documents and collections in the formats of other programs."""

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
from serve_app.api.answers import made_file
from serve_app.api.context import DOCUMENT, PREFIX, ServicesHere
from serve_app.api.names import inline_disposition
from serve_app.api.parameters import CollectionPath, DocumentId, no_collection
from serve_app.api.problems import documented
from serve_app.api.serializers.papers import export_shape
from serve_app.api.services import Services
from serve_app.library.bibliography import bibliography_of
from serve_app.library.paper_content import metadata_of, read_document, searchable_document

router = APIRouter(prefix=PREFIX)

BIBTEX, CSL = "application/x-bibtex", "application/vnd.citationstyles.csl+json"
_TYPES = ("text/markdown", "application/json", BIBTEX, CSL)
_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {"content": {one: {} for one in _TYPES}, "description": "The document in that format."}
}
_BIBTEX: dict[int | str, dict[str, Any]] = {
    200: {"content": {BIBTEX: {}}, "description": "An entry for each document."}
}


@router.get(
    DOCUMENT.removeprefix(PREFIX) + "/export",
    tags=["documents"],
    response_class=Response,
    responses={**_FORMATS, **documented(404, 409)},
)
async def export_document(
    document_id: DocumentId,
    services: ServicesHere,
    wanted: Annotated[
        Literal["markdown", "json", "bibtex", "csl"],
        Query(alias="format", description="json is everything: text, boxes, tables, references."),
    ] = "markdown",
) -> Response:
    """A document as Markdown, JSON, BibTeX or CSL-JSON."""
    match wanted:
        case "markdown":
            document, paper = await read_document(document_id, services)
            text = await asyncio.to_thread(to_markdown, paper)
            return made_file(text, "text/markdown", document, ".md")
        case "json":
            return await _everything(document_id, services)
        case "bibtex":
            document = await searchable_document(document_id, services)
            return made_file(to_bibtex(metadata_of(document)), BIBTEX, document, ".bib")
        case "csl":
            document = await searchable_document(document_id, services)
            return made_file(_csl(document).encode(), CSL, document, ".csl.json")


@router.get(
    "/collections/{name}/export",
    tags=["collections"],
    response_class=StreamingResponse,
    responses={**_BIBTEX, **documented(404)},
)
async def export_collection(
    name: CollectionPath,
    services: ServicesHere,
    wanted: Annotated[Literal["bibtex"], Query(alias="format")] = "bibtex",
) -> StreamingResponse:
    """The bibliography of a collection: an entry for each of its documents, newest upload first."""
    if not await services.documents.has_collection(name):
        raise no_collection(name)
    headers = {
        "Content-Disposition": inline_disposition(f"{name}.bib"),
        "X-Content-Type-Options": "nosniff",
    }
    entries = bibliography_of(name, services.documents)
    return StreamingResponse(entries, media_type=f"{BIBTEX}; charset=utf-8", headers=headers)


async def _everything(document_id: str, services: Services) -> Response:
    (document, paper), links = await asyncio.gather(
        read_document(document_id, services), services.citations.links(document_id)
    )
    data = await asyncio.to_thread(
        lambda: export_shape(document, paper, links).model_dump_json().encode()
    )
    return made_file(data, "application/json", document, ".json")


def _csl(document: Document) -> str:
    return json.dumps([to_csl(metadata_of(document), document.document_id)], ensure_ascii=False)
