"""What was read out of a document: text, sections, references."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from domain.documents import DocumentStatus
from domain.errors import Conflict
from domain.papers import Paper
from pipelines.artifact import load_paper
from serve_app import schemas
from serve_app.api.context import PREFIX, ServicesHere
from serve_app.problems import documented
from serve_app.services import Services
from serve_app.shapes import references_shape, sections_shape

router = APIRouter(prefix=f"{PREFIX}/documents/{{document_id}}", tags=["documents"])


@router.get("/sections", responses=documented(404, 409))
async def list_sections(document_id: str, services: ServicesHere) -> schemas.Sections:
    """The headings of a document in reading order."""
    return sections_shape(await _paper(document_id, services))


@router.get("/references", responses=documented(404, 409))
async def list_references(document_id: str, services: ServicesHere) -> schemas.References:
    """The bibliography of a document, as printed."""
    return references_shape(await _paper(document_id, services))


@router.get("/tables", responses=documented(404))
async def list_tables(document_id: str, services: ServicesHere) -> schemas.Tables:
    """The tables of a document; `read` is false: this version does not look for them."""
    await services.documents.get(document_id)
    return schemas.Tables()


@router.get("/figures", responses=documented(404))
async def list_figures(document_id: str, services: ServicesHere) -> schemas.Figures:
    """The figures of a document; `read` is false: this version does not look for them."""
    await services.documents.get(document_id)
    return schemas.Figures()


@router.get("/text", response_class=PlainTextResponse, responses=documented(404, 409))
async def get_text(document_id: str, services: ServicesHere) -> str:
    """The text of a document in reading order, a blank line between paragraphs."""
    paper = await _paper(document_id, services)
    return "\n\n".join(block.text for block in paper.blocks)


async def _paper(document_id: str, services: Services) -> Paper:
    """What was read from the document. Raises NotFound, and Conflict while there is nothing."""
    document = await services.documents.get(document_id)
    key = await services.documents.artifact_key(document_id)
    if key is None:
        raise Conflict(_why_nothing(document.status))
    return load_paper(await asyncio.to_thread(services.blobs.read, key))


def _why_nothing(status: DocumentStatus) -> str:
    if status == DocumentStatus.FAILED:
        return "The document could not be read; its job says why. Upload a corrected file."
    return "The document has not been read yet; ask again when its job is completed."
