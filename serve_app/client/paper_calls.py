"""The calls for what was read out of a paper."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from serve_app.client.calls import PREFIX, ApiRequest, document_path
from serve_app.schemas import core as schemas
from serve_app.schemas import papers as paper_schemas


def text(document_id: str) -> ApiRequest[str]:
    """The text in reading order."""
    return ApiRequest("GET", document_path(document_id, "/text"), str)


def markdown(document_id: str) -> ApiRequest[str]:
    """The document as Markdown."""
    return ApiRequest("GET", document_path(document_id, "/markdown"), str)


def sections(document_id: str) -> ApiRequest[paper_schemas.Sections]:
    """The headings."""
    return ApiRequest("GET", document_path(document_id, "/sections"), paper_schemas.Sections)


def tables(document_id: str) -> ApiRequest[paper_schemas.Tables]:
    """The tables."""
    return ApiRequest("GET", document_path(document_id, "/tables"), paper_schemas.Tables)


def table_file(document_id: str, number: int, kind: str) -> ApiRequest[str]:
    """A table as `csv` or `html`."""
    return ApiRequest("GET", document_path(document_id, f"/tables/{number}.{kind}"), str)


def figures(document_id: str) -> ApiRequest[paper_schemas.Figures]:
    """The figures."""
    return ApiRequest("GET", document_path(document_id, "/figures"), paper_schemas.Figures)


def figure_png(document_id: str, number: int, dpi: int | None) -> ApiRequest[bytes]:
    """The picture of a figure."""
    path = document_path(document_id, f"/figures/{number}.png")
    return ApiRequest("GET", path, bytes, params={"dpi": dpi})


def page_png(
    document_id: str, number: int, highlights: Sequence[str], dpi: int | None
) -> ApiRequest[bytes]:
    """The picture of a page, with passages marked."""
    path = document_path(document_id, f"/pages/{number}.png")
    return ApiRequest("GET", path, bytes, params={"highlight": list(highlights), "dpi": dpi})


def references(document_id: str) -> ApiRequest[paper_schemas.References]:
    """The bibliography."""
    return ApiRequest("GET", document_path(document_id, "/references"), paper_schemas.References)


def cites(document_id: str) -> ApiRequest[paper_schemas.Documents]:
    """The documents that this one cites."""
    return ApiRequest("GET", document_path(document_id, "/cites"), paper_schemas.Documents)


def cited_by(document_id: str) -> ApiRequest[paper_schemas.Documents]:
    """The documents that cite this one."""
    return ApiRequest("GET", document_path(document_id, "/cited_by"), paper_schemas.Documents)


def similar(document_id: str, limit: int) -> ApiRequest[paper_schemas.SimilarDocuments]:
    """The documents most like this one."""
    path = document_path(document_id, "/similar")
    return ApiRequest("GET", path, paper_schemas.SimilarDocuments, params={"limit": limit})


def export(document_id: str, form: str) -> ApiRequest[str]:
    """A document in another program's format."""
    return ApiRequest("GET", document_path(document_id, "/export"), str, params={"format": form})


def export_collection(name: str, form: str) -> ApiRequest[str]:
    """A collection in another program's format."""
    path = f"{PREFIX}/collections/{quote(name, safe='')}/export"
    return ApiRequest("GET", path, str, params={"format": form})


def reingest(document_id: str) -> ApiRequest[schemas.UploadAccepted]:
    """Reads a document again."""
    return ApiRequest("POST", document_path(document_id, "/reingest"), schemas.UploadAccepted)
