"""The text of a document: plain, as Markdown, and its headings."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from extraction.export.markdown import to_markdown
from serve_app.api.answers import made_file, of_type
from serve_app.api.context import DOCUMENT, ServicesHere
from serve_app.api.parameters import DocumentId
from serve_app.api.problems import documented
from serve_app.api.serializers.papers import sections_shape
from serve_app.library.paper_content import read_document
from serve_app.schemas import papers as paper_schemas

router = APIRouter(prefix=DOCUMENT, tags=["documents"])

MARKDOWN = "text/markdown"
_MARKDOWN_RESPONSES: dict[int | str, dict[str, Any]] = {
    **of_type(MARKDOWN, "The document as GitHub's Markdown."),
    **documented(404, 409),
}


@router.get("/text", response_class=PlainTextResponse, responses=documented(404, 409))
async def get_text(document_id: DocumentId, services: ServicesHere) -> str:
    """The text of a document in reading order, a blank line between paragraphs."""
    _, paper = await read_document(document_id, services)
    return "\n\n".join(block.text for block in paper.blocks)


@router.get("/markdown", response_class=Response, responses=_MARKDOWN_RESPONSES)
async def get_markdown(document_id: DocumentId, services: ServicesHere) -> Response:
    """A document as Markdown: headings, paragraphs, tables, captions, notes, references."""
    document, paper = await read_document(document_id, services)
    text = await asyncio.to_thread(to_markdown, paper)
    return made_file(text, MARKDOWN, document, ".md")


@router.get("/sections", responses=documented(404, 409))
async def list_sections(
    document_id: DocumentId,
    services: ServicesHere,
    headings: Annotated[
        Literal["own", "all"],
        Query(description="own: without those of abstract and bibliography; all: every heading."),
    ] = "own",
) -> paper_schemas.Sections:
    """The sections of a document in reading order; its abstract and its references stand apart."""
    _, paper = await read_document(document_id, services)
    chosen = paper.own_sections if headings == "own" else paper.sections
    return paper_schemas.Sections(sections=sections_shape(chosen))
