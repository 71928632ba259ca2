"""Access to the extracted content and the metadata of documents."""

from __future__ import annotations

from domain.documents import Document, DocumentStatus
from domain.errors import Conflict
from domain.papers import Metadata, Paper
from serve_app.api.services import Services


async def document_with_paper(document_id: str, services: Services) -> tuple[Document, Paper]:
    """Returns the document and its extracted content.

    The content belongs to the same step as the fields of the document, or to a later step. Raises
    NotFound, and Conflict if no content has been extracted yet.
    """
    document = await services.documents.get(document_id)
    key = await services.documents.artifact_key(document_id)
    if key is None:
        raise not_extracted(document)
    return document, await services.paper_cache.get(services.blobs, key)


async def searchable_document(document_id: str, services: Services) -> Document:
    """Returns the document. Raises NotFound, Conflict if it is not searchable."""
    document = await services.documents.get(document_id)
    if document.status != DocumentStatus.READY:
        raise not_extracted(document)
    return document


def not_extracted(document: Document) -> Conflict:
    """Returns the error for a document without extracted content."""
    if document.status == DocumentStatus.FAILED:
        return Conflict(
            "The document could not be read; its job has the reason. Upload a corrected file."
        )
    return Conflict("The document has not been read yet; try again when its job is completed.")


def metadata_of(document: Document) -> Metadata:
    """Returns the metadata of the document."""
    names = ("title", "authors", "abstract", "keywords", "doi", "arxiv_id", "year", "language")
    return Metadata(**{name: getattr(document, name) for name in names})


def missing_part_message(kind: str, number: int, count: int, is_known: bool) -> str:
    """Returns the error message for a missing table or figure (`kind`).

    `is_known` is False until the layout step has run.
    """
    if not is_known:
        return (
            f"The {kind}s of this document have not been extracted yet; its job shows the progress."
        )
    available = f"it has {count}" if count else "it has none"
    return f"The document has no {kind} {number}; {available}."
