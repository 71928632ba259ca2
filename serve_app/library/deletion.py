"""Deletes documents and collections: one commit, and the JobManager erases the rest after it.

Neither waits for the vector store or the blob store, so a deletion works while these are away, and
no request touches what a later upload may need.
"""

from __future__ import annotations

from serve_app.api.services import Services


async def remove_document(document_id: str, services: Services) -> None:
    """The document is a tombstone, shown by nothing; chunks, artifacts and PDF are on their way
    out. Raises NotFound, DatabaseUnavailable."""
    await services.documents.delete(document_id)
    services.deletions_due()


async def remove_collection(name: str, services: Services) -> None:
    """As `remove_document`, for every document of the collection. Raises NotFound."""
    try:
        await services.documents.delete_collection(name)
    finally:
        services.deletions_due()  # also for those that were deleted before an error
