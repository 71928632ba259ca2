"""The tables of a document."""

from __future__ import annotations

from fastapi import APIRouter, Response

from domain.documents import Document
from domain.errors import NotFound
from domain.papers import Table
from extraction.export.table_formats import to_csv, to_html
from serve_app.api.context import DOCUMENT, ServicesDep
from serve_app.api.file_responses import file_response, openapi_file
from serve_app.api.parameters import DocumentId, Number
from serve_app.api.problems import problem_responses
from serve_app.api.serializers.papers import to_table_schemas
from serve_app.api.services import Services
from serve_app.library.paper_content import document_with_paper, missing_part_message
from serve_app.schemas import papers as paper_schemas

router = APIRouter(prefix=f"{DOCUMENT}/tables", tags=["documents"])

CSV, HTML = "text/csv", "text/html"


@router.get("", responses=problem_responses(404, 409))
async def list_tables(document_id: DocumentId, services: ServicesDep) -> paper_schemas.Tables:
    """Returns the tables of a document. `read` is false until the layout step has run."""
    document, paper = await document_with_paper(document_id, services)
    return paper_schemas.Tables(tables=to_table_schemas(paper), read=document.tables is not None)


@router.get(
    "/{number}.csv",
    response_class=Response,
    responses={**openapi_file(CSV, "The table as CSV (RFC 4180)."), **problem_responses(404, 409)},
)
async def get_table_csv(document_id: DocumentId, number: Number, services: ServicesDep) -> Response:
    """Returns a table as CSV. Positions covered by a spanning cell are empty."""
    document, table = await _table(document_id, number, services)
    return file_response(to_csv(table), CSV, document, f"-table-{number}.csv")


@router.get(
    "/{number}.html",
    response_class=Response,
    responses={
        **openapi_file(HTML, "The table as an HTML <table>."),
        **problem_responses(404, 409),
    },
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
    raise NotFound(
        missing_part_message("table", number, len(paper.tables), document.tables is not None)
    )
