"""Reads a document again: its PDF is here already, so nothing is sent."""

from __future__ import annotations

import asyncio

from domain.errors import NotFound
from domain.jobs import Admission, OnDuplicate, Upload
from serve_app.intake import Received, Wishes, admit
from serve_app.services import Services
from stores.blob_store import pdf_key


async def read_again(document_id: str, services: Services) -> Admission:
    """The new task of the document; its version is the one after the one that searches show.

    Raises NotFound for an unknown document, and for one whose PDF is lost.
    """
    document = await services.documents.get(document_id)
    if not await asyncio.to_thread(services.blobs.exists, pdf_key(document.sha256)):
        raise NotFound("The PDF of the document is not in the file store any more; upload it.")
    received = Received([Upload(document.filename, document.sha256, document.bytes)])
    wishes = Wishes(document.collection, OnDuplicate.REPROCESS)
    [admission] = await admit(received, wishes, services)
    return admission
