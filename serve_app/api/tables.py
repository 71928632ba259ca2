"""The tables of a document."""

from __future__ import annotations

from fastapi import APIRouter, Response

from domain.documents import Document
from domain.errors import NotFound
from domain.papers import Table
from extraction.export.table_formats import to_csv, to_html
from serve_app.api.answers import made_file, of_type
from serve_app.api.context import DOCUMENT, ServicesHere
from serve_app.api.parameters import DocumentId, Number
from serve_app.api.problems import documented
from serve_app.api.serializers.papers import tables_shape
from serve_app.api.services import Services
from serve_app.library.paper_content import missing_part, read_document
from serve_app.schemas import papers as paper_schemas

router = APIRouter(prefix=f"{DOCUMENT}/tables", tags=["documents"])

CSV, HTML = "text/csv", "text/html"


@router.get("", responses=documented(404, 409))
async def list_tables(document_id: DocumentId, services: ServicesHere) -> paper_schemas.Tables:
    """The tables of a document; `read` is false as long as nobody has looked for them."""
    document, paper = await read_document(document_id, services)
    return paper_schemas.Tables(tables=tables_shape(paper), read=document.tables is not None)


@router.get(
    "/{number}.csv",
    response_class=Response,
    responses={**of_type(CSV, "The table by RFC 4180."), **documented(404, 409)},
)
async def get_table_csv(
    document_id: DocumentId, number: Number, services: ServicesHere
) -> Response:
    """A table as CSV; places that a spanning cell covers are blank."""
    document, table = await _table(document_id, number, services)
    return made_file(to_csv(table), CSV, document, f"-table-{number}.csv")


@router.get(
    "/{number}.html",
    response_class=Response,
    responses={**of_type(HTML, "The table as a <table>."), **documented(404, 409)},
)
async def get_table_html(
    document_id: DocumentId, number: Number, services: ServicesHere
) -> Response:
    """A table as HTML with its spans, its header cells and its caption."""
    document, table = await _table(document_id, number, services)
    return made_file(to_html(table), HTML, document, f"-table-{number}.html")


async def _table(document_id: str, number: int, services: Services) -> tuple[Document, Table]:
    document, paper = await read_document(document_id, services)
    for table in paper.tables:
        if table.number == number:
            return document, table
    raise NotFound(missing_part("table", number, len(paper.tables), document.tables is not None))
