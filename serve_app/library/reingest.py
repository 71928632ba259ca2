"""Reads a document again: its PDF is here already, so nothing is sent."""

from __future__ import annotations

import asyncio

from domain.errors import NotFound
from domain.jobs import Admission, Lane, OnDuplicate, Upload
from serve_app.api.services import Services
from serve_app.library.library_identity import require_matching_stores
from stores.blobs.blob_store import pdf_key


async def reingest_document(document_id: str, services: Services) -> Admission:
    """The new task of the document; its version is the one after the one that searches show.

    Raises NotFound for an unknown document, and for one whose PDF is lost; StoresDoNotMatch.
    """
    await require_matching_stores(services)
    document = await services.documents.get(document_id)
    if not await asyncio.to_thread(services.blobs.exists, pdf_key(document.sha256)):
        raise NotFound("The PDF of the document is not in the file store any more; upload it.")
    admitted = await services.jobs.admit(
        document.collection,
        [Upload(document.filename, document.sha256, document.bytes)],
        on_duplicate=OnDuplicate.REPROCESS,
        known_only=True,
    )
    if not admitted:
        raise NotFound(f"There is no document {document_id} any more; it was deleted just now.")
    services.wake(Lane.INTERACTIVE)
    return admitted[0]
