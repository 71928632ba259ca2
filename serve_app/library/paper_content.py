"""What was read from a document: everything else in this room asks for it here."""

from __future__ import annotations

from domain.documents import Document, DocumentStatus
from domain.errors import Conflict
from domain.papers import Metadata, Paper
from serve_app.api.services import Services


async def document_with_paper(document_id: str, services: Services) -> tuple[Document, Paper]:
    """The document and what was read from it. Raises NotFound, and Conflict while that is nothing.

    The paper is of the same step as the document's fields, or of a later one.
    """
    document = await services.documents.get(document_id)
    key = await services.documents.artifact_key(document_id)
    if key is None:
        raise not_extracted(document)
    return document, await services.paper_cache.get(services.blobs, key)


async def searchable_document(document_id: str, services: Services) -> Document:
    """The document. Raises NotFound, and Conflict when it cannot be searched."""
    document = await services.documents.get(document_id)
    if document.status != DocumentStatus.READY:
        raise not_extracted(document)
    return document


def not_extracted(document: Document) -> Conflict:
    """The error for a document of which nothing is known, with what to do."""
    if document.status == DocumentStatus.FAILED:
        return Conflict(
            "The document could not be read; its job says why. Upload a corrected file."
        )
    return Conflict("The document has not been read yet; ask again when its job is completed.")


def metadata_of(document: Document) -> Metadata:
    """What the document says of itself."""
    names = ("title", "authors", "abstract", "keywords", "doi", "arxiv_id", "year", "language")
    return Metadata(**{name: getattr(document, name) for name in names})


def missing_part_message(what: str, number: int, count: int, looked: bool) -> str:
    """The sentence for a table or a figure that is not there, with what to do."""
    if not looked:
        return f"Nobody has looked for {what}s in this document yet; its job says how far it is."
    there = f"it has {count}" if count else "it has none"
    return f"The document has no {what} {number}; {there}."
