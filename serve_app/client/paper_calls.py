"""The calls for what was read out of a paper."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from serve_app.client.calls import PREFIX, Call, document_path
from serve_app.schemas import core as schemas
from serve_app.schemas import papers as paper_schemas


def text(document_id: str) -> Call[str]:
    """The text in reading order."""
    return Call("GET", document_path(document_id, "/text"), str)


def markdown(document_id: str) -> Call[str]:
    """The document as Markdown."""
    return Call("GET", document_path(document_id, "/markdown"), str)


def sections(document_id: str) -> Call[paper_schemas.Sections]:
    """The headings."""
    return Call("GET", document_path(document_id, "/sections"), paper_schemas.Sections)


def tables(document_id: str) -> Call[paper_schemas.Tables]:
    """The tables."""
    return Call("GET", document_path(document_id, "/tables"), paper_schemas.Tables)


def table_file(document_id: str, number: int, kind: str) -> Call[str]:
    """A table as `csv` or `html`."""
    return Call("GET", document_path(document_id, f"/tables/{number}.{kind}"), str)


def figures(document_id: str) -> Call[paper_schemas.Figures]:
    """The figures."""
    return Call("GET", document_path(document_id, "/figures"), paper_schemas.Figures)


def figure_png(document_id: str, number: int, dpi: int | None) -> Call[bytes]:
    """The picture of a figure."""
    path = document_path(document_id, f"/figures/{number}.png")
    return Call("GET", path, bytes, params={"dpi": dpi})


def page_png(
    document_id: str, number: int, highlights: Sequence[str], dpi: int | None
) -> Call[bytes]:
    """The picture of a page, with passages marked."""
    path = document_path(document_id, f"/pages/{number}.png")
    return Call("GET", path, bytes, params={"highlight": list(highlights), "dpi": dpi})


def references(document_id: str) -> Call[paper_schemas.References]:
    """The bibliography."""
    return Call("GET", document_path(document_id, "/references"), paper_schemas.References)


def cites(document_id: str) -> Call[paper_schemas.Documents]:
    """The documents that this one cites."""
    return Call("GET", document_path(document_id, "/cites"), paper_schemas.Documents)


def cited_by(document_id: str) -> Call[paper_schemas.Documents]:
    """The documents that cite this one."""
    return Call("GET", document_path(document_id, "/cited_by"), paper_schemas.Documents)


def similar(document_id: str, limit: int) -> Call[paper_schemas.SimilarDocuments]:
    """The documents most like this one."""
    path = document_path(document_id, "/similar")
    return Call("GET", path, paper_schemas.SimilarDocuments, params={"limit": limit})


def export(document_id: str, form: str) -> Call[str]:
    """A document in another program's format."""
    return Call("GET", document_path(document_id, "/export"), str, params={"format": form})


def export_collection(name: str, form: str) -> Call[str]:
    """A collection in another program's format."""
    path = f"{PREFIX}/collections/{quote(name, safe='')}/export"
    return Call("GET", path, str, params={"format": form})


def reingest(document_id: str) -> Call[schemas.UploadAccepted]:
    """Reads a document again."""
    return Call("POST", document_path(document_id, "/reingest"), schemas.UploadAccepted)
