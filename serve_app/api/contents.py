"""The text of a document: plain text, Markdown, and its headings."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from extraction.export.markdown import to_markdown
from serve_app.api.context import DOCUMENT, ServicesDep
from serve_app.api.file_responses import file_response, openapi_file
from serve_app.api.parameters import DocumentId
from serve_app.api.problems import problem_responses
from serve_app.api.serializers.papers import to_section_schemas
from serve_app.library.paper_content import document_with_paper
from serve_app.schemas import papers as paper_schemas

router = APIRouter(prefix=DOCUMENT, tags=["documents"])

MARKDOWN = "text/markdown"
_MARKDOWN_RESPONSES: dict[int | str, dict[str, Any]] = {
    **openapi_file(MARKDOWN, "The document as GitHub Flavored Markdown."),
    **problem_responses(404, 409),
}


@router.get("/text", response_class=PlainTextResponse, responses=problem_responses(404, 409))
async def get_text(document_id: DocumentId, services: ServicesDep) -> str:
    """Returns the text of a document in reading order, with blank lines between paragraphs."""
    _, paper = await document_with_paper(document_id, services)
    return "\n\n".join(block.text for block in paper.blocks)


@router.get("/markdown", response_class=Response, responses=_MARKDOWN_RESPONSES)
async def get_markdown(document_id: DocumentId, services: ServicesDep) -> Response:
    """Returns a document as Markdown: headings, paragraphs, tables, captions, notes, references."""
    document, paper = await document_with_paper(document_id, services)
    text = await asyncio.to_thread(to_markdown, paper)
    return file_response(text, MARKDOWN, document, ".md")


@router.get("/sections", responses=problem_responses(404, 409))
async def list_sections(
    document_id: DocumentId,
    services: ServicesDep,
    headings: Annotated[
        Literal["own", "all"],
        Query(description="own: without the abstract and the bibliography; all: every heading."),
    ] = "own",
) -> paper_schemas.Sections:
    """Returns the sections of a document in reading order.

    The abstract and the bibliography are included only with `headings=all`.
    """
    _, paper = await document_with_paper(document_id, services)
    chosen = paper.own_sections if headings == "own" else paper.sections
    return paper_schemas.Sections(sections=to_section_schemas(chosen))
