"""Reingests a document from its stored PDF."""

from __future__ import annotations

import asyncio

from domain.errors import NotFound
from domain.jobs import Admission, Lane, OnDuplicate, Upload
from serve_app.api.services import Services
from serve_app.library.library_identity import require_matching_stores
from stores.blobs.blob_store import pdf_key


async def reingest_document(document_id: str, services: Services) -> Admission:
    """Queues a task that reads the document as its next version, and returns the admission.

    Raises NotFound if the document or its PDF does not exist, StoresDoNotMatch.
    """
    await require_matching_stores(services)
    document = await services.documents.get(document_id)
    if not await asyncio.to_thread(services.blobs.exists, pdf_key(document.sha256)):
        raise NotFound("The PDF of the document is missing from the blob store; upload it again.")
    admitted = await services.jobs.admit(
        document.collection,
        [Upload(document.filename, document.sha256, document.bytes)],
        on_duplicate=OnDuplicate.REPROCESS,
        known_only=True,
    )
    if not admitted:
        raise NotFound(f"There is no document {document_id}; it was deleted during the request.")
    services.wake(Lane.INTERACTIVE)
    return admitted[0]
