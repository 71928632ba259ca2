"""Documents and passages that are similar to a given one, by their vectors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from domain.documents import ChunkKind, Document
from domain.errors import NotFound
from domain.library_search import LibrarySearch
from domain.same_work import letters_of
from domain.search import SearchMode, SearchQuery
from serve_app.library.search_hits import Hit, SearchHits, find_hits
from stores.protocols import VectorStore

if TYPE_CHECKING:
    from serve_app.api.services import Services

BODY_KINDS = (ChunkKind.TEXT, ChunkKind.ABSTRACT)


async def find_similar_documents(document: Document, limit: int, services: Services) -> list[Hit]:
    """Returns other documents of the collection, each with the passage nearest to this one's mean.

    Ordered best first, each document once. Empty for a document without passages. Raises
    Unavailable.
    """
    mean = await asyncio.to_thread(_mean_vector, document, services.vectors)
    if mean is None:
        return []
    query = SearchQuery(
        "",
        document.collection,
        SearchMode.DENSE,
        limit + 1,  # the document itself is the best match
        kinds=BODY_KINDS,
        group_by_document=True,
    )
    hits = (await find_hits(LibrarySearch(query), mean, services)).hits
    return [hit for hit in hits if document.document_id not in _documents(hit)][:limit]


async def find_similar_passages(
    document: Document, chunk_id: str, limit: int, services: Services
) -> SearchHits:
    """Returns other passages of the collection, nearest to this one first.

    Raises NotFound if the document has no such passage, and Unavailable.
    """
    stored = await asyncio.to_thread(
        services.vectors.stored, document.document_id, document.version
    )
    vector = next((vector for chunk, vector in stored if chunk.chunk_id == chunk_id), None)
    if vector is None:
        raise NotFound(f"The document has no passage {chunk_id}.")
    query = SearchQuery("", document.collection, SearchMode.DENSE, limit + 1)
    found = await find_hits(LibrarySearch(query), vector, services)
    text = next(chunk.text for chunk, _ in stored if chunk.chunk_id == chunk_id)
    others = [hit for hit in found.hits if not _is_passage(hit, chunk_id, text, document)]
    return SearchHits(others[:limit], found.candidates)


def _documents(hit: Hit) -> set[str]:
    """Returns the ids of the documents that the hit stands for."""
    return {hit[1].document_id, *hit[0].also_in}


def _is_passage(hit: Hit, chunk_id: str, text: str, document: Document) -> bool:
    """Returns whether the hit is the passage itself, or stands for it as that of a copy."""
    passage, _ = hit
    is_same_text = letters_of(passage.chunk.text) == letters_of(text)
    return passage.chunk.chunk_id == chunk_id or (
        is_same_text and document.document_id in passage.also_in
    )


def _mean_vector(document: Document, vectors: VectorStore) -> np.ndarray | None:
    """Returns the mean vector of the body passages, or of all passages if there are none."""
    stored = vectors.stored(document.document_id, document.version)
    body = [vector for chunk, vector in stored if chunk.kind in BODY_KINDS]
    return np.mean(body or [vector for _, vector in stored], axis=0) if stored else None
