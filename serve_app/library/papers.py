"""The extracted content and the metadata of documents."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.documents import Document, DocumentStatus
from domain.errors import Conflict, NotFound
from domain.papers import Metadata, Paper
from extraction.serialization import load_paper
from stores.blobs.blob_store import BlobStore

if TYPE_CHECKING:
    from serve_app.api.services import Services


class PaperCache:
    """LRU cache of up to `max_papers` papers by artifact key.

    Entries never become stale: an artifact is immutable, and a new version has a new key.
    """

    def __init__(self, max_papers: int = 8) -> None:
        self.max_papers = max_papers
        self._papers: OrderedDict[str, asyncio.Future[Paper]] = OrderedDict()

    async def get(self, blobs: BlobStore, key: str) -> Paper:
        """Returns the paper; concurrent calls share one read. Raises NotFound, Unavailable."""
        future = self._papers.get(key)
        if future is None:
            future = asyncio.ensure_future(asyncio.to_thread(lambda: load_paper(blobs.read(key))))
            self._papers[key] = future
        self._papers.move_to_end(key)
        while len(self._papers) > self.max_papers:
            self._papers.popitem(last=False)
        try:
            return await asyncio.shield(future)  # cancelling one caller must not affect the others
        except Exception:
            if self._papers.get(key) is future:
                del self._papers[key]
            raise


async def document_with_paper(document_id: str, services: Services) -> tuple[Document, Paper]:
    """Returns the document and its extracted content.

    The content belongs to the same step as the fields of the document, or to a later step. Raises
    NotFound, and Conflict if no content has been extracted yet.
    """
    document = await services.documents.get(document_id)
    return document, await paper_of(document, services)


async def paper_of(document: Document, services: Services) -> Paper:
    """Returns the extracted content of a document. Raises Conflict if there is none yet."""
    key = await services.documents.artifact_key(document.document_id)
    if key is None:
        raise _not_extracted(document)
    return await services.paper_cache.get(services.blobs, key)


async def active_documents(ids: Sequence[str], services: Services) -> list[Document]:
    """Returns the active documents with these ids, in the given order, without duplicates."""
    active = await services.documents.active(ids)
    return [active[name] for name in dict.fromkeys(ids) if name in active]


async def searchable_document(document_id: str, services: Services) -> Document:
    """Returns the document. Raises NotFound, Conflict if it is not searchable."""
    document = await services.documents.get(document_id)
    if document.status != DocumentStatus.READY:
        raise _not_extracted(document)
    return document


def _not_extracted(document: Document) -> Conflict:
    if document.status == DocumentStatus.FAILED:
        return Conflict(
            "The document could not be read; its job has the reason. Upload a corrected file."
        )
    return Conflict("The document has not been read yet; try again when its job is completed.")


def metadata_of(document: Document) -> Metadata:
    """Returns the metadata of the document."""
    stated = ("title", "authors", "abstract", "keywords", "doi", "arxiv_id")
    names = (*stated, "year", "venue", "language")
    return Metadata(**{name: getattr(document, name) for name in names})


def missing_part(kind: str, number: int, count: int, is_known: bool) -> NotFound:
    """Returns the error for a missing table or figure (`kind`).

    `is_known` is False until the layout step has run.
    """
    if not is_known:
        return NotFound(
            f"The {kind}s of this document have not been extracted yet; its job shows the progress."
        )
    available = f"it has {count}" if count else "it has none"
    return NotFound(f"The document has no {kind} {number}; {available}.")
