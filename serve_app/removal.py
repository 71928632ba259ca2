"""Takes papers out of the stores: the row first, so that no search shows what is half gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from domain.errors import Unavailable
from domain.orders import Version
from serve_app.services import Services
from stores.blob_store import pdf_key

LOG = logging.getLogger(__name__)


async def remove_document(document_id: str, services: Services) -> None:
    """The document is gone: rows, chunks, artifacts, and its PDF unless another document needs it.

    Raises NotFound, and Unavailable as long as nothing was deleted. A store that goes away in
    between leaves bytes that nothing shows, and a line in the log.
    """
    document = await services.documents.get(document_id)
    await asyncio.to_thread(services.vectors.ping)
    unused = await services.documents.delete(document_id)
    try:
        await asyncio.to_thread(services.vectors.delete, document_id)
        await asyncio.to_thread(services.blobs.delete_artifacts, document_id)
        if unused:
            await asyncio.to_thread(services.blobs.delete, pdf_key(document.sha256))
    except Unavailable as error:
        LOG.warning(
            "A deleted document left something behind: %s",
            error,
            extra={"action": "delete_left_rest", "document_id": document_id},
        )


def clear_versions(versions: Iterable[Version], services: Services) -> None:
    """Chunks and artifacts of these versions, which nobody wants any more, are gone.

    A store that is away leaves them, not shown by any search, to the reconciliation.
    """
    for document_id, version in versions:
        try:
            services.vectors.delete_version(document_id, version)
            services.blobs.delete_artifacts_of(document_id, version)
        except Unavailable as error:
            LOG.warning(
                "A cancelled version left something behind: %s",
                error,
                extra={"action": "cancel_left_rest", "document_id": document_id},
            )
