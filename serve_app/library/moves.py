"""Moves papers to other collections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from domain.documents import Document
from domain.errors import NotFound
from domain.jobs import Lane
from stores.blobs.blob_store import pdf_key

if TYPE_CHECKING:
    from serve_app.api.services import Services


async def move_document(document: Document, collection: str, services: Services) -> Document:
    """Returns the document of the collection that replaces this one; it is read again.

    Searches find the paper in neither collection until it has been read. Raises NotFound, Conflict
    if the collection has the same bytes, QueueFull, QuotaExceeded and StoresDoNotMatch; the
    document then remains where it is.
    """
    if collection == document.collection:
        return document
    await require_original(document, services)
    admission = await services.jobs.move(document, collection)
    services.wake(Lane.INTERACTIVE)
    services.deletions_due()
    return await services.documents.get(admission.document_id)


async def require_original(document: Document, services: Services) -> None:
    """Raises NotFound if the PDF is missing, so that it cannot be read, and StoresDoNotMatch."""
    await services.require_matching_stores()
    if not await asyncio.to_thread(services.blobs.exists, pdf_key(document.sha256)):
        raise NotFound("The PDF of the document is missing from the blob store; upload it again.")
