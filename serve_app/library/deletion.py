"""Deletes documents and collections in one transaction; the JobManager erases their data later.

The request does not call the vector store or the blob store. A deletion therefore works while these
are unavailable, and cannot remove data that a concurrent upload needs.
"""

from __future__ import annotations

from serve_app.api.services import Services


async def remove_document(document_id: str, services: Services) -> None:
    """Marks the document as deleted (tombstone) and queues the erasure of its data.

    The data are its chunks, artifacts and PDF. Raises NotFound, DatabaseUnavailable.
    """
    await services.documents.delete(document_id)
    services.deletions_due()


async def remove_collection(name: str, services: Services) -> None:
    """Deletes every document of the collection like `remove_document`. Raises NotFound."""
    try:
        await services.documents.delete_collection(name)
    finally:
        services.deletions_due()  # also after an error: some documents may be deleted already
