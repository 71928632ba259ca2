"""The contents of a document, its exports, and the documents that it cites or that cite it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from domain.documents import Document
from domain.papers import Table
from extraction.export.markdown import to_markdown
from extraction.export.table_formats import to_csv, to_html
from serve_app.access.requirements import READS
from serve_app.api.file_responses import file_response, openapi_file
from serve_app.api.parameters import DocumentId, Number
from serve_app.api.problems import problem_responses
from serve_app.api.serializers import (
    to_export_schema,
    to_references_schema,
    to_tables_schema,
)
from serve_app.api.services import DOCUMENT, Services, ServicesDep
from serve_app.library.bibliography import FORMATS, BibliographyFormat, entries_of
from serve_app.library.papers import (
    active_documents,
    document_with_paper,
    missing_part,
    searchable_document,
)
from serve_app.library.works import document_schema, document_schemas
from serve_app.schemas import papers as paper_schemas

router = APIRouter(
    prefix=DOCUMENT,
    tags=["documents"],
    responses=problem_responses(404, 409),
    dependencies=[READS],
)

MARKDOWN, CSV, HTML = "text/markdown", "text/csv", "text/html"
_MEDIA_TYPES = (MARKDOWN, "application/json", *(spec.media_type for spec in FORMATS.values()))
_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {media_type: {} for media_type in _MEDIA_TYPES},
        "description": "The document in that format.",
    }
}


@router.get("/text", response_class=PlainTextResponse)
async def get_text(document_id: DocumentId, services: ServicesDep) -> str:
    """Returns the text of a document in reading order, with blank lines between paragraphs."""
    _, paper = await document_with_paper(document_id, services)
    return "\n\n".join(block.text for block in paper.blocks)


@router.get(
    "/markdown",
    response_class=Response,
    responses=openapi_file(MARKDOWN, "The document as GitHub Flavored Markdown."),
)
async def get_markdown(document_id: DocumentId, services: ServicesDep) -> Response:
    """Returns a document as Markdown: headings, paragraphs, tables, captions, notes, references."""
    document, paper = await document_with_paper(document_id, services)
    text = await asyncio.to_thread(to_markdown, paper)
    return file_response(text, MARKDOWN, document, ".md")


@router.get("/sections")
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
    return paper_schemas.Sections.model_validate({"sections": chosen})


@router.get("/figures")
async def list_figures(document_id: DocumentId, services: ServicesDep) -> paper_schemas.Figures:
    """Returns the figures of a document. `read` is false until the layout step has run."""
    document, paper = await document_with_paper(document_id, services)
    return paper_schemas.Figures.model_validate(
        {"figures": paper.figures, "read": document.figures is not None}
    )


@router.get("/tables")
async def list_tables(document_id: DocumentId, services: ServicesDep) -> paper_schemas.Tables:
    """Returns the tables of a document. `read` is false until the layout step has run."""
    return to_tables_schema(*await document_with_paper(document_id, services))


@router.get(
    "/tables/{number}.csv",
    response_class=Response,
    responses=openapi_file(CSV, "The table as CSV (RFC 4180)."),
)
async def get_table_csv(document_id: DocumentId, number: Number, services: ServicesDep) -> Response:
    """Returns a table as CSV. Positions covered by a spanning cell are empty."""
    document, table = await _table(document_id, number, services)
    return file_response(to_csv(table), CSV, document, f"-table-{number}.csv")


@router.get(
    "/tables/{number}.html",
    response_class=Response,
    responses=openapi_file(HTML, "The table as an HTML <table>."),
)
async def get_table_html(
    document_id: DocumentId, number: Number, services: ServicesDep
) -> Response:
    """Returns a table as HTML with its spans, header cells and caption."""
    document, table = await _table(document_id, number, services)
    return file_response(to_html(table), HTML, document, f"-table-{number}.html")


async def _table(document_id: str, number: int, services: Services) -> tuple[Document, Table]:
    document, paper = await document_with_paper(document_id, services)
    for table in paper.tables:
        if table.number == number:
            return document, table
    raise missing_part("table", number, len(paper.tables), document.tables is not None)


@router.get("/export", response_class=Response, responses=_FORMATS)
async def export_document(
    document_id: DocumentId,
    services: ServicesDep,
    export_format: Annotated[
        Literal["markdown", "json", "bibtex", "ris", "csl"],
        Query(
            alias="format",
            description="json contains everything: text, boxes, tables, references.",
        ),
    ] = "markdown",
) -> Response:
    """Returns a document as Markdown, JSON, BibTeX, RIS or CSL-JSON."""
    if export_format == "markdown":
        return await get_markdown(document_id, services)
    if export_format == "json":
        return await _json_export(document_id, services)
    document = await searchable_document(document_id, services)
    spec = FORMATS[BibliographyFormat(export_format)]
    text = entries_of([document], spec)
    return file_response(text.encode(), spec.content_type, document, spec.ending)


async def _json_export(document_id: str, services: Services) -> Response:
    (document, paper), links = await asyncio.gather(
        document_with_paper(document_id, services), services.citations.links(document_id)
    )
    shown = await document_schema(document, services)
    data = await asyncio.to_thread(
        lambda: to_export_schema(shown, document, paper, links).model_dump_json().encode()
    )
    return file_response(data, "application/json", document, ".json")


@router.get("/references")
async def list_references(
    document_id: DocumentId, services: ServicesDep
) -> paper_schemas.References:
    """Returns the bibliography of a document: each entry as printed, and its parsed fields.

    `document_id` identifies the document of the same collection that an entry refers to.
    """
    (_, paper), links = await asyncio.gather(
        document_with_paper(document_id, services), services.citations.links(document_id)
    )
    return to_references_schema(paper, links)


@router.get("/cites")
async def list_cited(document_id: DocumentId, services: ServicesDep) -> paper_schemas.Documents:
    """Returns the documents of the same collection that this one cites, in bibliography order."""
    await searchable_document(document_id, services)
    links = await services.citations.links(document_id)
    return await _documents([links[ordinal] for ordinal in sorted(links)], services)


@router.get("/cited_by")
async def list_citing(document_id: DocumentId, services: ServicesDep) -> paper_schemas.Documents:
    """Returns the documents of the same collection that cite this one, newest upload first."""
    await searchable_document(document_id, services)
    return await _documents(await services.citations.cited_by(document_id), services)


async def _documents(ids: Sequence[str], services: Services) -> paper_schemas.Documents:
    documents = await active_documents(ids, services)
    return paper_schemas.Documents(documents=await document_schemas(documents, services))
